"""`catwalk model bench`, and what a daemon measures at its first start."""

import json

import pytest
import yaml

from tests.compat.embed.vision_models import openai_archive, seeded_clip
from tests.support.catwalk_binary import free_port, wait_until

SMALL = {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 2, "num_attention_heads": 4}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    file = tmp_path_factory.mktemp("openai") / "ViT-B-32.pt"
    openai_archive(seeded_clip(**SMALL), file)
    return file


@pytest.fixture
def write(tmp_path):
    def settings(**embed):
        values = {
            "state": {"dir": str(tmp_path / "state"), "min_free": "1MB"},
            "http": {"listen": f"127.0.0.1:{free_port()}"},
            "embed": {"model": "small", **embed},
        }
        (tmp_path / "catwalk.yaml").write_text(yaml.safe_dump(values))
        return int(values["http"]["listen"].rsplit(":", 1)[1])

    return settings


@pytest.fixture
def small(catwalk, write, archive):
    write()
    done = catwalk("model", "import", archive, "--name", "small")
    assert done.code == 0, done


def kept(tmp_path):
    file = tmp_path / "state" / "measured.json"
    return json.loads(file.read_text()) if file.exists() else {}


def test_a_line_for_each_precision_and_batch(catwalk, small, tmp_path):
    done = catwalk("model", "bench", "--each", "100ms", "--batch", "1,8", "--json")
    assert done.code == 0, done
    answer = done.json
    assert answer["model"] == "small" and answer["device"] == "cpu"
    left_out = {words.split(":")[0] for words in answer["not_taken"]}
    measured = [p for p in ("fp32", "bf16", "int8") if p not in left_out]
    assert "fp32" in measured
    assert [(line["precision"], line["batch"]) for line in answer["lines"]] == [
        (precision, batch) for precision in measured for batch in (1, 8)
    ]
    for line in answer["lines"]:
        assert line["images_per_second"] > 0
        # At most every core is busy all the time, and hardly ever none.
        assert 0 < line["cpu_seconds_per_image"] * line["images_per_second"] < 64
    pool = answer["pool"]
    assert pool["precision"] in ("bf16", "fp32") and pool["batch"] == 32
    (measured,) = kept(tmp_path).values()
    assert (pool["workers"], pool["threads_of_each"]) == (measured["workers"], measured["intra_op"])


def test_the_table_says_what_auto_picks(catwalk, small, write):
    write(batch="auto")
    done = catwalk("model", "bench", "small", "--each", "50ms", "--batch", "4", "--precision", "fp32")
    assert done.code == 0, done
    head, line, last = done.out.splitlines()
    assert head.split() == ["precision", "batch", "images/s", "CPU", "seconds/image"]
    assert line.split()[:2] == ["fp32", "4"]
    assert "(auto)" in last and "as configured" not in last
    write(threads=1, batch=16, precision="fp32")
    last = catwalk("model", "bench", "--each", "50ms", "--batch", "4").out.splitlines()[-1]
    assert "1 workers with 1 threads each (as configured), batches of at most 16 (as configured)" in last


def test_what_cannot_be_measured(catwalk, small):
    assert catwalk("model", "bench", "nowhere").code == 1
    done = catwalk("model", "bench", "--precision", "fp16")
    assert done.code == 2 and "CUDA" in done.err, done
    assert catwalk("model", "bench", "--batch", "0").code == 2
    assert catwalk("model", "bench", "--each", "soon").code == 2


def started(catwalk, port):
    daemon = catwalk.daemon(port)
    wait_until(lambda: daemon.get("/-/ready")[0] == 200)
    return daemon


def test_the_first_start_measures_and_the_next_takes_it(catwalk, small, write, tmp_path):
    port = write(batch="auto")
    (tmp_path / "sites.yaml").write_text("[]\n")
    catwalk("embed", "sites.yaml")
    assert kept(tmp_path) == {}, "a command does not measure"
    started(catwalk, port).kill()
    first = kept(tmp_path)
    assert len(first) == 1
    (key,) = first
    assert "torch 2." in key
    stored = tmp_path / "state" / "measured.json"
    stored.write_text(json.dumps({key: {"workers": 1, "intra_op": 1, "batch": 7}}))
    started(catwalk, port).kill()
    assert kept(tmp_path)[key]["batch"] == 7
