"""The towers on a GPU against transformers in fp32: every stage, every precision, workers beside each other.

CATWALK_VISION_STAGE_DUMP and CATWALK_TEXT_STAGE_DUMP name the executables under test (ctest sets them). Skipped where
torch sees no CUDA device.
"""

import copy
import os

import numpy as np
import pytest
import torch
from image_stages import reference_input
from PIL import Image
from siglip_test import reference_vision_stages
from text_lines import lines
from text_test import reference_vectors as reference_text_vectors
from text_test import same_vectors as same_text_vectors
from text_test import save_with_vocabulary, words_model
from text_test import vectors as text_vectors
from tokenizer_test import reference, trained  # noqa: F401, a fixture
from transformers import SiglipConfig, SiglipModel
from vision_models import MEAN, STD, reference_stages, reference_vectors, seed_weights, seeded_clip
from vision_test import COSINE, COSINE_BF16, centred_cosines, pool_vectors, same_stages, same_vectors, stages, tool

LEAST = {"fp32": COSINE, "bf16": 0.998, "fp16": 0.9998}  # the centred cosine
DEVICE = "cuda:0"

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="SKIPPED: torch sees no CUDA device")


@pytest.fixture(scope="module", autouse=True)
def on_the_gpu():
    os.environ["CATWALK_TEST_DEVICE"] = DEVICE
    yield
    del os.environ["CATWALK_TEST_DEVICE"]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("cuda")


@pytest.fixture(scope="module")
def model():
    return seeded_clip()


@pytest.fixture(scope="module")
def stored(model, work):
    model.save_pretrained(work / "hub")
    return tool("import", work / "hub", work / "models", "seeded")


@pytest.fixture(scope="module")
def files(work):
    """Pictures that have no like among the others, without loss: what decoders make of them is not looked at here."""
    (work / "pictures").mkdir()
    files = [work / "pictures" / f"{number:02}.png" for number in range(16)]
    for number, file in enumerate(files):
        rough = np.random.default_rng(number).integers(0, 256, (4, 5, 3), dtype=np.uint8)
        Image.fromarray(rough).resize((320 + number, 260), Image.Resampling.BICUBIC).save(file)
    return files


@pytest.fixture(scope="module")
def inputs(files):
    return np.stack([reference_input(f) for f in files])


@pytest.fixture(scope="module")
def theirs(model, inputs):
    return reference_vectors(model, inputs)


@torch.no_grad()
def vectors_of_transformers(model, inputs, precision):
    """On the same GPU, in the same precision."""
    kind = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    moved = copy.deepcopy(model).to(DEVICE, kind)
    pixels = ((torch.as_tensor(inputs).float() / 255 - MEAN) / STD).to(DEVICE, kind)
    vectors = moved.visual_projection(moved.vision_model(pixels).pooler_output).float().cpu().numpy()
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_every_stage(model, stored, work):
    pixels = np.random.default_rng(1).integers(0, 256, (8, 3, 224, 224), dtype=np.uint8)
    ours, vectors = stages(stored["dir"], "fp32", pixels, work)
    theirs = reference_stages(model, torch.as_tensor(pixels))
    same_stages(ours, theirs)
    assert np.abs(vectors - theirs[-1] / np.linalg.norm(theirs[-1], axis=1, keepdims=True)).max() < 1e-5


@pytest.mark.parametrize("asked, used", [("fp32", "fp32"), ("bf16", "bf16"), ("fp16", "fp16"), ("auto", "fp16")])
def test_vectors_from_files(stored, model, files, inputs, theirs, work, asked, used):
    """In each precision as near to fp32 as transformers is in the same."""
    ours, answers = pool_vectors(stored["dir"], asked, files, work)
    same_vectors(ours, theirs, LEAST[used])
    ours_off, theirs_off = (1 - centred_cosines(v, theirs).mean()
                            for v in (ours, vectors_of_transformers(model, inputs, used)))
    print(f"\n{asked}: off by {ours_off:.2e}, transformers by {theirs_off:.2e}")
    assert ours_off <= 1.2 * theirs_off + 1e-6
    assert {(a["device"], a["precision"], a["fingerprint"]) for a in answers} == {
        (DEVICE, used, stored["fingerprint"])}


def test_workers_beside_each_other(stored, files, work):
    """Thousands of pictures through both workers' streams: each has the vector that it has alone."""
    alone, _ = pool_vectors(stored["dir"], "fp16", files, work)
    many, _ = pool_vectors(stored["dir"], "fp16", files * 100, work)
    assert len(many) == 100 * len(files)
    worst = (many.reshape(100, len(files), -1) * alone).sum(axis=2).min()
    assert worst >= 0.9999, f"cosine {worst:.6f}"


def test_siglip(work):
    size = dict(hidden_size=192, intermediate_size=400, num_hidden_layers=4, num_attention_heads=3)
    config = SiglipConfig(text_config=size | dict(vocab_size=99, projection_size=192),
                          vision_config=size | dict(image_size=96, patch_size=16))
    config._attn_implementation = "eager"
    model = seed_weights(SiglipModel(config).eval(), 7)
    model.save_pretrained(work / "siglip")
    stored = tool("import", work / "siglip", work / "models", "siglip")
    pixels = np.random.default_rng(1).integers(0, 256, (3, 3, 96, 96), dtype=np.uint8)
    ours, _ = stages(stored["dir"], "fp32", pixels, work)
    same_stages(ours, reference_vision_stages(model, pixels))


class Script(torch.nn.Module):
    """With tensors that are neither parameters nor buffers."""

    def __init__(self):
        super().__init__()
        self.patches, self.last = torch.nn.Conv2d(3, 48, 16, stride=16), torch.nn.Linear(48, 24)
        self.slopes = [torch.linspace(0.5, 1.5, 48)]

    def forward(self, x):
        return self.last(torch.nn.functional.gelu(self.patches(x).mean([2, 3])) * self.slopes[0])


@pytest.mark.parametrize("traced", [False, True])
def test_script(files, work, traced):
    torch.manual_seed(5)
    module, name = Script().eval(), "traced" if traced else "scripted"
    made = torch.jit.trace(module, torch.rand(2, 3, 64, 64)) if traced else torch.jit.script(module)
    made.save(str(work / f"{name}.pt"))
    stored = tool("script", work / f"{name}.pt", work / "models", name, 24, 64)
    ours, answers = pool_vectors(stored["dir"], "auto", files, work)
    assert {(a["device"], a["precision"]) for a in answers} == {(DEVICE, "fp32")}
    theirs, _ = pool_vectors(stored["dir"], "auto", files, work, {"CATWALK_TEST_DEVICE": "cpu"})
    same_vectors(ours, theirs)


@pytest.fixture(scope="module")
def spoken(trained):  # noqa: F811
    return words_model(trained)


@pytest.fixture(scope="module")
def spoken_stored(spoken, trained, work):  # noqa: F811
    return tool("import", save_with_vocabulary(spoken, trained, work / "words"), work / "models", "words")


@pytest.mark.parametrize("precision, least", [("fp32", 0.99999), ("bf16", COSINE_BF16), ("auto", 0.9999)])
def test_texts(spoken, spoken_stored, trained, work, precision, least):  # noqa: F811
    texts = lines(400, seed=14)[250:]
    ours = text_vectors(spoken_stored["dir"], precision, texts, work)
    same_text_vectors(ours, reference_text_vectors(spoken, reference(trained, texts)), least)


class TestRefused:
    def test_int8(self, stored, files, work):
        said = tool("pool", stored["dir"], "int8", work / "no", files[0], fails=True)
        assert "int8 is for CPUs alone" in said and "use auto or fp16" in said

    def test_a_gpu_that_is_not_there(self, stored, files, work):
        count = torch.cuda.device_count()
        said = tool("pool", stored["dir"], "auto", work / "no", files[0], fails=True,
                    env={"CATWALK_TEST_DEVICE": f"cuda:{count}"})
        assert f"cuda:{count}" in said and "CUDA device" in said and "the first is cuda:0" in said
