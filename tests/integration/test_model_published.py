"""`catwalk model verify --published`: a seeded model and numbers that transformers found of it stand in for the real ones."""

import hashlib
import io
import json

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from transformers import CLIPModel, CLIPTokenizer

from tests.compat.embed.image_stages import reference_input
from tests.compat.embed.vision_models import MEAN, STD, openai_archive, seeded_clip
from tests.support.catwalk_binary import free_port
from tests.support.picture_server import PictureServer
from tests.support.word_model import write_word_model

TEXTS = ["a red coat", "coat", "a dog"]
PATHS = ["/cat.jpg", "/diagram.png"]


def picture(seed, kind):
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(coarse).resize((430, 510), Image.Resampling.BICUBIC).save(out, kind)
    return out.getvalue()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_word_model(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def pictures():
    return dict(zip(PATHS, (picture(1, "JPEG"), picture(2, "PNG")), strict=True))


@pytest.fixture(scope="module")
def cosines(clip, pictures, tmp_path_factory):
    """[picture, text], by transformers."""
    folder = tmp_path_factory.mktemp("pictures")
    inputs = []
    for path, body in pictures.items():
        (folder / path[1:]).write_bytes(body)
        inputs.append(reference_input(folder / path[1:]))
    pixels = (torch.as_tensor(np.stack(inputs)).float() / 255 - MEAN) / STD
    ids = CLIPTokenizer.from_pretrained(clip)(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        out = CLIPModel.from_pretrained(clip).eval()(pixel_values=pixels, **ids)
    found = (out.image_embeds @ out.text_embeds.T).numpy()
    assert 100 * np.ptp(found, axis=1).min() > 10 * 0.02, "the logits differ by less than what is tolerated"
    return found


@pytest.fixture
def web(pictures):
    with PictureServer(pictures) as server:
        yield server


@pytest.fixture
def model(catwalk, clip, tmp_path):
    settings = {"state": {"dir": str(tmp_path / "state")}, "embed": {"model": "words"}}
    (tmp_path / "catwalk.yaml").write_text(yaml.safe_dump(settings))
    done = catwalk("model", "import", clip, "--name", "words")
    assert done.code == 0, done
    return tmp_path / "state" / "models" / "words"


@pytest.fixture
def record(tmp_path, cosines, web):
    """Writes a file of published numbers: the first picture's logits, the second one's probabilities."""

    def write(off=0.0, origin=None, **more):
        origin = origin or web.url
        logits = 100 * cosines
        chances = np.exp(logits[1]) / np.exp(logits[1]).sum()
        checks = [
            {"picture": origin + PATHS[0], "texts": TEXTS, "logits": (logits[0] + off).tolist(),
             "tolerance": 0.02, "rounded_tolerance": 1},
            {"picture": origin + PATHS[1], "texts": TEXTS, "probabilities": chances.tolist(),
             "tolerance": 0.002, "rounded_tolerance": 0.05},
        ]
        checks[0] |= more
        (tmp_path / "record.json").write_text(json.dumps({"where": "this test", "checks": checks}))
        return "record.json"

    return write


def verify(catwalk, file, *more):
    return catwalk("model", "verify", "words", "--published", "--record", file, *more)


def listed(catwalk):
    return {m["name"]: m for m in catwalk("model", "list", "--json").json}


def int8_is_called_unproven(catwalk):
    done = catwalk("embed", "--precision", "int8", "picture.jpg")
    assert done.code == 0, done
    return "unproven" in done.err


def test_numbers_that_agree_prove_each_precision(catwalk, model, record, pictures, tmp_path):
    (tmp_path / "picture.jpg").write_bytes(pictures[PATHS[0]])
    assert listed(catwalk)["words"]["proven"] == []
    assert int8_is_called_unproven(catwalk)
    file = record()
    done = verify(catwalk, file, "--json")
    assert done.code == 0, done
    answer = done.json
    left_out = {words.split(":")[0] for words in answer["not_taken"]}
    assert left_out <= {"bf16"}, "int8 runs on any CPU, bf16 where it is fast"
    assert answer["proven"] == [p for p in ("fp32", "bf16", "int8") if p not in left_out]
    assert answer["numbers_from"] == "this test"
    for one in answer["precisions"]:
        assert one["passed"] and one["least_cosine_with_fp32"] >= 0.999
        assert [len(check["found"]) for check in one["checks"]] == [3, 3]
    fp32 = answer["precisions"][0]
    assert np.abs(np.subtract(fp32["checks"][0]["found"], fp32["checks"][0]["published"])).max() < 0.02
    assert listed(catwalk)["words"]["proven"] == answer["proven"]
    assert not int8_is_called_unproven(catwalk)
    lines = verify(catwalk, file).out
    assert "fp32  gives the published numbers" in lines and "numbers: this test" in lines
    assert "a red coat" in lines and "no published hash is known" in lines


def test_numbers_that_differ_prove_nothing(catwalk, model, record):
    assert verify(catwalk, record()).code == 0
    done = verify(catwalk, record(off=0.1))
    assert done.code == 1, done
    assert "fp32  DIFFERS" in done.out
    assert "fp32" not in listed(catwalk)["words"]["proven"], "what was proven before is gone"
    done = verify(catwalk, record(off=5))
    assert done.code == 1 and done.out.count("DIFFERS") >= 2, done
    assert listed(catwalk)["words"]["proven"] == []


def test_other_weights_are_proven_anew(catwalk, model, record, clip, tmp_path):
    assert verify(catwalk, record()).code == 0
    proof = (model / "published.json").read_text()
    assert catwalk("model", "import", clip, "--name", "words", "--force").code == 0
    assert listed(catwalk)["words"]["proven"] == []
    (model / "published.json").write_text(proof.replace(json.loads(proof)["fingerprint"], "0" * 64))
    assert listed(catwalk)["words"]["proven"] == []


def test_without_a_network_nothing_is_claimed(catwalk, model, record):
    done = verify(catwalk, record(origin=f"http://127.0.0.1:{free_port()}"))
    assert done.code == 1, done
    assert "nothing is claimed" in done.err and done.out == ""
    assert not (model / "published.json").exists()
    done = verify(catwalk, record(picture=f"http://127.0.0.1:{free_port()}/x.jpg"))
    assert done.code == 1 and not (model / "published.json").exists()


def test_the_picture_is_the_one_that_was_published(catwalk, model, record, pictures, web):
    right = hashlib.sha256(pictures[PATHS[0]]).hexdigest()
    assert verify(catwalk, record(picture_sha256=right)).code == 0
    done = verify(catwalk, record(picture_sha256="0" * 64))
    assert done.code == 1 and right in done.err, done
    done = verify(catwalk, record(picture=web.url + "/none.jpg"))
    assert done.code == 1 and "404" in done.err, done


def test_pictures_on_disk(catwalk, model, record, pictures, tmp_path):
    (tmp_path / "here.jpg").write_bytes(pictures[PATHS[0]])
    assert verify(catwalk, record(picture="here.jpg")).code == 0
    assert verify(catwalk, record(picture="missing.jpg")).code == 1


def test_what_cannot_be_verified_so(catwalk, model, record, tmp_path):
    done = catwalk("model", "verify", "words", "--published")
    assert done.code == 1 and "--record" in done.err, done
    assert catwalk("model", "verify", "words", "--record", record()).code == 2
    (tmp_path / "broken.json").write_text('{"checks": 1}')
    done = verify(catwalk, "broken.json")
    assert done.code == 2 and "broken.json" in done.err, done
    small = dict(hidden_size=64, intermediate_size=64, num_hidden_layers=2, num_attention_heads=1)
    openai_archive(seeded_clip(**small), tmp_path / "ViT.pt")
    assert catwalk("model", "import", "ViT.pt", "--name", "mute").code == 0
    done = catwalk("model", "verify", "mute", "--published", "--record", record())
    assert done.code == 1 and "embeds no texts" in done.err, done


def test_the_real_ones_numbers_need_their_pictures(catwalk, clip, tmp_path):
    """A model under the real one's name is held against what was published of that; here there is no network."""
    settings = {"state": {"dir": str(tmp_path / "state")}}
    (tmp_path / "catwalk.yaml").write_text(yaml.safe_dump(settings))
    assert catwalk("model", "import", clip, "--name", "clip-vit-b-32").code == 0
    nowhere = f"http://127.0.0.1:{free_port()}"
    done = catwalk("model", "verify", "--published", env={"HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere})
    assert done.code == 1, done
    assert "images.cocodataset.org" in done.err and "nothing is claimed" in done.err
