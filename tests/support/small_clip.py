"""A CLIP model of ViT-B/32's layout that is quick to write, read and run, as its publishers publish one, and the models
folder of a test: fixtures, to be imported by name."""

import json
import shutil

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.compat.embed.vision_models import openai_archive, reference_vectors, seeded_clip

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


def listed(catwalk):
    done = catwalk("model", "list", "--json")
    assert done.code == 0, done
    return {model["name"]: model for model in done.json}


def left_in(models):
    return sorted(path.name for path in models.iterdir()) if models.exists() else []


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
