"""Models: downloading over a bad line, importing, listing, checking and removing them."""

import hashlib
import json
import shutil
import struct

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.compat.embed.vision_models import openai_archive, reference_vectors, seeded_clip
from tests.support.catwalk_binary import Catwalk, free_port, wait_until
from tests.support.model_server import ModelServer, SilentServer

# Of ViT-B/32's layout, but quick to write, read and run.
SMALL = {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 2, "num_attention_heads": 4}


@pytest.fixture(scope="module")
def clip():
    return seeded_clip(**SMALL)


@pytest.fixture(scope="module")
def archive(clip, tmp_path_factory):
    """The model as OpenAI publishes it."""
    file = tmp_path_factory.mktemp("openai") / "ViT-B-32.pt"
    openai_archive(clip, file)
    return file


@pytest.fixture(scope="module")
def body(archive):
    return archive.read_bytes()


@pytest.fixture(scope="module")
def published_folder(clip, tmp_path_factory):
    """The same model as Hugging Face publishes it."""
    folder = tmp_path_factory.mktemp("hugging-face")
    clip.save_pretrained(folder)
    return folder


@pytest.fixture
def hugging_face(published_folder, tmp_path):
    """A copy of it, to be damaged."""
    return shutil.copytree(published_folder, tmp_path / "clip")


@pytest.fixture
def models(tmp_path):
    """The models folder that `catwalk` uses in these tests."""
    folder = tmp_path / "models"
    settings = {"state": {"dir": str(tmp_path / "state")}, "embed": {"models_dir": str(folder)}}
    (tmp_path / "catwalk.yaml").write_text(yaml.safe_dump(settings))
    return folder


def hash_of(body):
    return hashlib.sha256(body).hexdigest()


def pull(url, sha256, *more):
    return ("model", "pull", "--url", url, "--sha256", sha256, "--name", "stand-in", *more)


def listed(catwalk):
    done = catwalk("model", "list", "--json")
    assert done.code == 0, done
    return {model["name"]: model for model in done.json}


def left_in(models):
    return sorted(path.name for path in models.iterdir()) if models.exists() else []


def test_a_download_that_is_cut_goes_on_where_it_stopped(catwalk, models, body, clip, workdir):
    cuts = [700_000, 1, 900_000]
    with ModelServer(body, cuts=cuts) as server:
        done = catwalk(*pull(server.url, hash_of(body)))
        assert done.code == 0, done
        assert [seen.range for seen in server.gets] == [
            None,
            "bytes=700000-",
            "bytes=700001-",
            "bytes=1600001-",
        ]
        assert sum(seen.sent for seen in server.gets) == len(body), "a byte was sent twice"
    model = listed(catwalk)["stand-in"]
    assert (model["dim"], model["image_size"], model["untrained"]) == (512, 224, False)
    assert model["source"] == server.url
    assert model["source_sha256"] == hash_of(body)
    assert left_in(models) == ["stand-in"]
    check_its_vectors(catwalk, "stand-in", clip, workdir)


def check_its_vectors(catwalk, name, clip, workdir):
    """They are those of transformers."""
    pixels = np.random.default_rng(5).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(workdir / f"{number}.png")
    done = catwalk("embed", "0.png", "1.png", "--model", name, "--precision", "fp32")
    assert done.code == 0, done
    ours = np.array([json.loads(line)["embedding"] for line in done.out.splitlines()])
    theirs = reference_vectors(clip, pixels.transpose(0, 3, 1, 2))
    assert (ours * theirs).sum(1).min() > 0.9999
    assert (theirs[0] * theirs[1]).sum() < 0.9999, "the two pictures tell nothing"


def test_a_server_without_ranges_sends_everything_again(catwalk, models, body):
    with ModelServer(body, cuts=[500_000], ranges=False) as server:
        done = catwalk(*pull(server.url, hash_of(body)))
        assert done.code == 0, done
        assert len(server.gets) >= 2
    assert left_in(models) == ["stand-in"]


def test_a_wrong_hash_leaves_nothing(catwalk, models, body):
    promised = hash_of(b"something else")
    with ModelServer(body) as server:
        done = catwalk(*pull(server.url, promised))
    assert done.code == 1, done
    assert promised in done.err
    assert hash_of(body) in done.err
    assert server.url in done.err
    assert left_in(models) == []
    assert listed(catwalk) == {}


def test_a_killed_download_goes_on_where_it_stopped(catwalk, models, body):
    held = len(body) // 2
    with ModelServer(body, stall_at=held) as server:
        process = catwalk.begin(*pull(server.url, hash_of(body)))

        def arrived():
            assert process.ended is None, process.err
            return [part for part in models.glob(".*.part") if part.stat().st_size == held]

        (part,) = wait_until(arrived, 30, "half of the file did not arrive")
        process.kill()
        assert part.read_bytes() == body[:held]
        server.release()
        done = catwalk(*pull(server.url, hash_of(body)))
        assert done.code == 0, done
        assert server.gets[-1].range == f"bytes={held}-"
        assert server.gets[-1].sent == len(body) - held
    assert left_in(models) == ["stand-in"]
    assert catwalk("model", "verify", "stand-in").code == 0


def test_an_interrupted_download_goes_on_too(catwalk, models, body):
    held = len(body) // 3
    with ModelServer(body, stall_at=held) as server:
        process = catwalk.begin(*pull(server.url, hash_of(body)))
        wait_until(lambda: any(p.stat().st_size == held for p in models.glob(".*.part")), 30)
        assert process.terminate(5) == 130
        server.release()
        assert catwalk(*pull(server.url, hash_of(body))).code == 0
        assert server.gets[-1].range == f"bytes={held}-"


def test_a_damaged_start_is_not_built_upon(catwalk, models, body):
    """What an earlier download left was changed meanwhile: that is found by the hash, and the next try starts over."""
    with ModelServer(body, stall_at=1_000_000) as server:
        process = catwalk.begin(*pull(server.url, hash_of(body)))
        (part,) = wait_until(lambda: [p for p in models.glob(".*.part") if p.stat().st_size == 1_000_000], 30)
        process.kill()
        with open(part, "r+b") as file:
            file.seek(1000)
            file.write(b"damaged")
        server.release()
        done = catwalk(*pull(server.url, hash_of(body)))
        assert done.code == 1, done
        assert "again" in done.err
        assert catwalk(*pull(server.url, hash_of(body))).code == 0
        assert server.gets[-1].range is None


def test_without_a_network_it_says_so_at_once(catwalk, models):
    url = f"http://127.0.0.1:{free_port()}/ViT-B-32.pt"
    done = catwalk(*pull(url, "0" * 64))
    assert done.code == 1, done
    assert done.seconds < 10
    assert url in done.err
    assert "refused" in done.err.lower() or "connect" in done.err.lower()
    assert "catwalk model import" in done.err, "what to do without a network"
    assert listed(catwalk) == {}


def test_a_server_that_never_answers_is_given_up(catwalk, models):
    with SilentServer() as server:
        done = catwalk(*pull(server.url, "0" * 64, "--connect-timeout", "2s"))
    assert done.code == 1, done
    assert 1.5 < done.seconds < 10
    assert server.url in done.err
    assert "catwalk model import" in done.err
    assert listed(catwalk) == {}


def test_a_server_that_lacks_the_file(catwalk, models):
    with ModelServer(None) as server:
        done = catwalk(*pull(server.url, "0" * 64))
    assert done.code == 1, done
    assert "404" in done.err and server.url in done.err
    assert len(server.gets) == 1, "asking again changes nothing"


def test_what_is_downloaded_must_be_a_model(catwalk, models):
    page = b"<!doctype html><title>Sign in</title>" * 100
    with ModelServer(page) as server:
        done = catwalk(*pull(server.url, hash_of(page)))
    assert done.code == 1, done
    assert "no known format" in done.err
    assert listed(catwalk) == {}


@pytest.mark.parametrize(
    "arguments, says",
    [
        (("pull", "--url", "http://127.0.0.1:1/x"), "--sha256"),
        (("pull", "--connect-timeout", "soon"), "soon"),
        (("import",), "--untrained"),
        (("import", "x", "--untrained"), "not both"),
        (("remove",), "NAME"),
    ],
)
def test_wrong_usage(catwalk, models, arguments, says):
    done = catwalk("model", *arguments)
    assert done.code == 2, done
    assert says in done.err


def test_untrained_models_come_from_their_seed(catwalk, models, tmp_path):
    def made(seed):
        done = catwalk("model", "import", "--untrained", "--seed", seed)
        assert done.code == 0, done
        assert "untrained" in done.out.lower()
        return listed(catwalk)["untrained"]

    first = made(3)
    assert first["untrained"] is True
    assert (first["architecture"], first["dim"], first["image_size"]) == ("clip-vit-b-32", 512, 224)
    assert made(4)["fingerprint"] != first["fingerprint"]
    assert made(3)["fingerprint"] == first["fingerprint"]
    done = catwalk("model", "verify")
    assert done.code == 0, done
    assert first["fingerprint"] in done.out


def test_two_formats_of_the_same_weights_are_one_model(
    catwalk, models, archive, published_folder, clip, workdir
):
    assert catwalk("model", "import", archive, "--name", "from-openai").code == 0
    assert catwalk("model", "import", published_folder, "--name", "from-hugging-face").code == 0
    both = listed(catwalk)
    assert both["from-openai"]["fingerprint"] == both["from-hugging-face"]["fingerprint"]
    check_its_vectors(catwalk, "from-hugging-face", clip, workdir)


def test_importing_again_and_another_of_that_name(catwalk, models, archive, tmp_path):
    def bring(source, *more):
        return catwalk("model", "import", source, "--name", "mine", *more)

    assert bring(archive).code == 0
    first = listed(catwalk)["mine"]
    done = bring(archive)
    assert done.code == 0, done
    assert listed(catwalk)["mine"]["fingerprint"] == first["fingerprint"]
    assert left_in(models) == ["mine"]

    other = tmp_path / "other.pt"
    openai_archive(seeded_clip(seed=8, **SMALL), other)
    done = bring(other)
    assert done.code == 2, done
    assert "mine" in done.err and "--force" in done.err
    assert listed(catwalk)["mine"]["fingerprint"] == first["fingerprint"], "the old one was touched"
    assert bring(other, "--force").code == 0
    assert listed(catwalk)["mine"]["fingerprint"] != first["fingerprint"]


def test_names_that_are_not_to_be_used(catwalk, models, archive):
    for name in ("untrained", "../outside", ".hidden", "Capital"):
        done = catwalk("model", "import", archive, "--name", name)
        assert done.code == 2, done
    assert listed(catwalk) == {}
    assert not (models.parent / "outside").exists()


def weights_of(models, name):
    return max((models / name).rglob("*.safetensors"), key=lambda path: path.stat().st_size)


def test_verify_finds_damage(catwalk, models, archive):
    assert catwalk("model", "import", archive, "--name", "good").code == 0
    assert catwalk("model", "import", archive, "--name", "bad").code == 0
    weights = weights_of(models, "bad")
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    done = catwalk("model", "verify")
    assert done.code == 1, done
    assert "good: ok" in done.out
    assert "fingerprint" in done.err and str(models / "bad") in done.err
    assert catwalk("model", "verify", "good").code == 0
    assert catwalk("model", "verify", "bad").code == 1

    weights.write_bytes(data[:-100])
    done = catwalk("model", "verify", "bad")
    assert done.code == 1, done
    assert str(weights) in done.err

    (models / "bad" / "model.json").write_text("{")
    assert listed(catwalk)["bad"]["problem"]
    done = catwalk("model", "verify", "bad")
    assert done.code == 1, done
    assert "model.json" in done.err
    assert catwalk("model", "remove", "bad").code == 0
    assert set(listed(catwalk)) == {"good"}


def test_remove(catwalk, models, archive):
    assert catwalk("model", "import", archive, "--name", "mine").code == 0
    done = catwalk("model", "remove", "yours")
    assert done.code == 1, done
    assert "yours" in done.err and "catwalk model list" in done.err
    assert set(listed(catwalk)) == {"mine"}
    assert catwalk("model", "remove", "mine").code == 0
    assert listed(catwalk) == {}
    assert left_in(models) == []
    for outside in ("..", ".", "../state"):
        assert catwalk("model", "remove", outside).code == 1
    assert models.exists()


def with_header(file, change):
    """Rewrites the header of a safetensors file."""
    data = file.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    change(header)
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])


PROJECTION = "visual_projection.weight"


def integers(header):
    header[PROJECTION]["dtype"] = "I32"


def unknown_type(header):
    header[PROJECTION]["dtype"] = "F8_E4M3"


def outside(header):
    header[PROJECTION]["data_offsets"][1] += 10_000_000_000


def backwards(header):
    header[PROJECTION]["data_offsets"].reverse()


def other_shape(header):
    header[PROJECTION]["shape"][0] += 1


def huge_shape(header):
    header[PROJECTION]["shape"] = [2**40, 2**40]


def without(header):
    header["unknown"] = header.pop(PROJECTION)


@pytest.mark.parametrize(
    "change", [integers, unknown_type, outside, backwards, other_shape, huge_shape, without]
)
def test_a_damaged_file_is_refused_by_file_and_tensor(catwalk, models, hugging_face, change):
    weights = hugging_face / "model.safetensors"
    with_header(weights, change)
    done = catwalk("model", "import", hugging_face, "--name", "mine")
    assert done.code == 1, done
    assert str(weights) in done.err
    assert PROJECTION in done.err
    assert listed(catwalk) == {}
    assert left_in(models) == []


@pytest.mark.parametrize("size", [0, 7, 500, 100_000, -1])
def test_a_truncated_file_is_refused(catwalk, models, hugging_face, size):
    weights = hugging_face / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:size])
    done = catwalk("model", "import", hugging_face, "--name", "mine")
    assert done.code == 1, done
    assert str(weights) in done.err
    if size in (100_000, -1):
        assert "tensor" in done.err, "which one lies outside"
    assert listed(catwalk) == {}


def test_weights_that_are_not_numbers_are_refused(catwalk, models, hugging_face):
    weights = hugging_face / "model.safetensors"
    data = bytearray(weights.read_bytes())
    size = struct.unpack("<Q", data[:8])[0]
    begin = 8 + size + json.loads(data[8 : 8 + size])[PROJECTION]["data_offsets"][0]
    data[begin : begin + 4] = struct.pack("<f", float("nan"))
    weights.write_bytes(data)
    done = catwalk("model", "import", hugging_face)
    assert done.code == 1, done
    assert "NaN" in done.err and "projection" in done.err


def test_what_is_no_model_is_refused_with_what_would_be_one(catwalk, models, archive, tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text.pt").write_text("hello")
    (tmp_path / "cut.pt").write_bytes(archive.read_bytes()[:1_000_000])
    (tmp_path / "pickle.bin").write_bytes(b"\x80\x02}q\x00.")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("x")
    for name in ("empty", "text.pt", "cut.pt", "pickle.bin", "folder"):
        done = catwalk("model", "import", tmp_path / name)
        assert done.code == 1, done
        assert str(tmp_path / name) in done.err
        assert "ViT-B-32.pt" in done.err
    done = catwalk("model", "import", tmp_path / "missing.pt")
    assert done.code == 1, done
    assert "missing.pt" in done.err and "no such file" in done.err
    assert listed(catwalk) == {}


def test_a_missing_model_names_the_command_that_gets_one(catwalk, models, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "sites.yaml").write_text("[]\n")
    for arguments in (("embed", "a.png"), ("embed", "a.png", "--model", "nobody")):
        done = catwalk(*arguments)
        assert done.code == 1, done
        assert "catwalk model pull" in done.err
    assert "nobody" in done.err


def test_two_imports_at_once_leave_one_model(tmp_path, models, archive):
    first, second = Catwalk(tmp_path), Catwalk(tmp_path / "b")
    (tmp_path / "b").mkdir()
    shutil.copy(tmp_path / "catwalk.yaml", tmp_path / "b" / "catwalk.yaml")
    running = [runner.begin("model", "import", archive, "--name", "mine") for runner in (first, second)]
    codes = [process.wait(60) for process in running]
    assert codes == [0, 0], [process.err for process in running]
    assert left_in(models) == ["mine"]
    assert first("model", "verify", "mine").code == 0
