"""Models: importing, listing, checking and removing them."""

import json
import shutil
import struct

import pytest
from PIL import Image

from tests.compat.embed.vision_models import openai_archive, seeded_clip
from tests.support.catwalk_binary import Catwalk
from tests.support.small_clip import (  # noqa: F401
    SMALL,
    archive,
    check_its_vectors,
    clip,
    hugging_face,
    left_in,
    listed,
    models,
    published_folder,
)


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
