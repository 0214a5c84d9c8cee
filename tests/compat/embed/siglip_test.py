"""SigLIP as Hugging Face publishes it, against transformers: pictures, every stage.

CATWALK_VISION_STAGE_DUMP names the executable under test (ctest sets it).
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from image_stages import reference_image
from preprocess_test import drawn, photographs
from transformers import SiglipConfig, SiglipModel
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from vision_models import seed_weights
from vision_test import pool_vectors, same_stages, same_vectors, stages, tool

SIZE = 96
MEAN = STD = 0.5


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("siglip")


@pytest.fixture(scope="session")
def model():
    size = dict(hidden_size=192, intermediate_size=400, num_hidden_layers=4, num_attention_heads=3)
    config = SiglipConfig(text_config=size | dict(vocab_size=700, projection_size=192),
                          vision_config=size | dict(image_size=SIZE, patch_size=16))
    config._attn_implementation = "eager"
    return seed_weights(SiglipModel(config).eval(), 7)


@pytest.fixture(scope="session")
def stored(model, work):
    model.save_pretrained(work / "hub")
    SiglipImageProcessorPil(size={"height": SIZE, "width": SIZE}).save_pretrained(work / "hub")
    return tool("import", work / "hub", work / "models", "siglip")


def reference_pixels(files):
    processor = SiglipImageProcessorPil(size={"height": SIZE, "width": SIZE}, do_rescale=False, do_normalize=False)
    return np.stack([processor(reference_image(f), return_tensors="np")["pixel_values"][0] for f in files])


@torch.no_grad()
def reference_vision_stages(model, pixels):
    embeddings = {}
    hook = model.vision_model.embeddings.register_forward_hook(lambda _, __, out: embeddings.update(out=out))
    out = model.vision_model((torch.as_tensor(pixels).float() / 255 - MEAN) / STD, output_hidden_states=True)
    hook.remove()
    stages = [embeddings["out"], *out.hidden_states[1:], out.last_hidden_state, out.pooler_output]
    return [stage.numpy() for stage in stages]


def test_what_import_says(stored):
    assert stored["architecture"] == "siglip-w192-l4-p16-96" and stored["dim"] == 192
    assert stored["text_fingerprint"] == "" and "SentencePiece" in stored["no_text"]


def test_every_stage_of_pictures(model, stored, work):
    pixels = np.random.default_rng(1).integers(0, 256, (3, 3, SIZE, SIZE), dtype=np.uint8)
    ours, unit = stages(stored["dir"], "fp32", pixels, work)
    theirs = reference_vision_stages(model, pixels)
    same_stages(ours, theirs)
    assert np.abs(unit - theirs[-1] / np.linalg.norm(theirs[-1], axis=1, keepdims=True)).max() < 1e-5


def test_vectors_of_files(model, stored, work):
    """Both edges are resized to the square: nothing is cropped."""
    folder = work / "drawn"
    folder.mkdir()
    files = [Path(f) for f in drawn(folder) if "65000" not in str(f)] + [f for f in photographs() if "clip/images" in str(f)]
    pixels = reference_pixels(files)
    theirs = reference_vision_stages(model, pixels)[-1]
    theirs = theirs / np.linalg.norm(theirs, axis=1, keepdims=True)
    ours, _ = pool_vectors(stored["dir"], "fp32", files, work)
    same_vectors(ours, theirs)
