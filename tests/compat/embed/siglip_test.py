"""SigLIP as Hugging Face publishes it, against transformers: pictures and texts, every stage.

CATWALK_VISION_STAGE_DUMP and CATWALK_TEXT_STAGE_DUMP name the executables under test (ctest sets them).
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from image_stages import reference_image
from preprocess_test import drawn, photographs
from safetensors.numpy import load_file
from siglip_words import as_tokenizer_json, train
from text_lines import lines
from text_test import texts_tool
from text_test import same_vectors as same_text_vectors
from transformers import SiglipConfig, SiglipModel, SiglipTokenizer
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from vision_models import seed_weights
from vision_test import pool_vectors, same_stages, same_vectors, stages, tool

SIZE = 96
MEAN = STD = 0.5


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("siglip")


@pytest.fixture(scope="session")
def words(tmp_path_factory):
    return train(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="session")
def tokenizer(words):
    return SiglipTokenizer(str(words / "spiece.model"))


@pytest.fixture(scope="session")
def model(tokenizer):
    size = dict(hidden_size=192, intermediate_size=400, num_hidden_layers=4, num_attention_heads=3)
    config = SiglipConfig(text_config=size | dict(vocab_size=len(tokenizer), projection_size=192),
                          vision_config=size | dict(image_size=SIZE, patch_size=16))
    config._attn_implementation = "eager"
    return seed_weights(SiglipModel(config).eval(), 7)


@pytest.fixture(scope="session")
def stored(model, work, words):
    model.save_pretrained(work / "hub")
    shutil.copy(words / "spiece.model", work / "hub")
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
    assert len(stored["text_fingerprint"]) == 64 and stored["no_text"] == ""


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


def reference_ids(tokenizer, texts):
    return [tokenizer(text, padding="max_length", truncation=True, max_length=64).input_ids for text in texts]


def ids(stored, texts):
    return [json.loads(line) for line in texts_tool("ids", stored["dir"], texts=texts).splitlines()]


@torch.no_grad()
def reference_text_vectors(model, rows):
    out = [model.text_model(torch.tensor([row])).pooler_output[0].numpy() for row in rows]
    return np.stack(out) / np.linalg.norm(out, axis=1, keepdims=True)


def text_vectors(stored, texts, folder):
    texts_tool("vectors", stored["dir"], "fp32", folder / "vectors.safetensors", texts=texts)
    return load_file(folder / "vectors.safetensors")["vectors"]


def test_ids(stored, tokenizer):
    texts = lines(6000, seed=21)
    theirs = reference_ids(tokenizer, texts)
    assert len({tuple(row) for row in theirs}) > 5000
    wrong = [(t, a, b) for t, a, b in zip(texts, ids(stored, texts), theirs, strict=True) if a != b]
    assert not wrong, f"{len(wrong)}, the first {wrong[0]!r}"


def test_ids_without_a_map_of_characters(model, tokenizer, work, tmp_path):
    """A vocabulary that replaces no character, and knows other pieces."""
    other = train(tmp_path, rule="identity", seed=8)
    tall = SiglipTokenizer(str(other / "spiece.model"))
    run = subprocess.run([os.environ["CATWALK_TEXT_STAGE_DUMP"], "pieces", str(other / "spiece.model")], text=True,
                         input="".join(json.dumps(text) + "\n" for text in lines(1500, seed=22)), capture_output=True)
    assert run.returncode == 0, run.stderr
    ours = [json.loads(line) for line in run.stdout.splitlines()]
    assert ours == reference_ids(tall, lines(1500, seed=22))


def test_every_stage_of_texts(model, stored, tokenizer, work):
    texts = ["a red dress", "", "Coat, COAT & coat!", "šaty " * 40, "</s> dress <unk> x"]
    rows = torch.tensor(reference_ids(tokenizer, texts))
    texts_tool("stages", stored["dir"], "fp32", work / "stages.safetensors", texts=texts)
    found = load_file(work / "stages.safetensors")
    with torch.no_grad():
        out = model.text_model(rows, output_hidden_states=True)
        expected = [*out.hidden_states, out.last_hidden_state[:, -1], out.pooler_output]
    same_stages([found[name] for name in sorted(found)], [stage.numpy() for stage in expected])


def test_vectors_of_texts(model, stored, tokenizer, work):
    texts = lines(300, seed=23)[200:] + ["a red dress"]
    theirs = reference_text_vectors(model, reference_ids(tokenizer, texts))
    ours = text_vectors(stored, texts, work)
    same_text_vectors(ours, theirs)
    # A mask over the padding, or the last word's state, would be another vector.
    short = [[i for i in row if i != 1] + [1] for row in reference_ids(tokenizer, texts)]
    with pytest.raises(AssertionError):
        same_text_vectors(ours, reference_text_vectors(model, short))


def test_one_fingerprint_whichever_file_the_vocabulary_came_in(model, stored, words, work):
    model.half().save_pretrained(work / "half")
    model.float()
    as_tokenizer_json(words, work / "half")
    half = tool("import", work / "half", work / "models", "half")
    assert half["text_fingerprint"] == stored["text_fingerprint"] and half["fingerprint"] == stored["fingerprint"]
    model.save_pretrained(work / "alone")
    alone = tool("import", work / "alone", work / "models", "alone")
    assert alone["text_fingerprint"] == "" and "without its vocabulary" in alone["no_text"]


def test_a_damaged_vocabulary_is_refused(words, work, stored, tmp_path):
    whole = (words / "spiece.model").read_bytes()
    hub = shutil.copytree(work / "hub", tmp_path / "hub")
    for damaged, said in ((whole[:1000], "cut off"), (b"", "no SentencePiece model"), (b"\xff" * 64, "no SentencePiece"),
                          (whole[:-300], "cut off"), (b"{}", "model"), (whole[: len(whole) // 2], "cut off")):
        (hub / "spiece.model").write_bytes(damaged)
        told = tool("import", hub, tmp_path / "models", "damaged", fails=True)
        assert "cannot use vocabulary" in told and said in told, (damaged[:8], told)
