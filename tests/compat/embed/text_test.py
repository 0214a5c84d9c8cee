"""The text tower against transformers' CLIPModel: every stage, the vectors, importing with the vocabulary.

CATWALK_TEXT_STAGE_DUMP and CATWALK_VISION_STAGE_DUMP name the executables under test (ctest sets them).
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from text_lines import lines
from tokenizer_test import reference, trained  # noqa: F401, a fixture
from transformers import CLIPModel
from vision_models import openai_archive, seeded_clip
from vision_test import COSINE_BF16, centred_cosines, fast_bf16, same_stages, tool

SUITES = os.environ.get("CATWALK_SUITES")
COSINE = 0.99999
SMALL_VISION = dict(hidden_size=64, intermediate_size=64, num_hidden_layers=1, num_attention_heads=1)


def texts_tool(command, *args, texts, fails=False):
    run = subprocess.run([os.environ["CATWALK_TEXT_STAGE_DUMP"], command, *map(str, args)], capture_output=True,
                         text=True, timeout=600, input="".join(json.dumps(text) + "\n" for text in texts))
    assert run.returncode == (1 if fails else 0), run.stderr[-2000:]
    return run.stderr if fails else run.stdout


@torch.no_grad()
def reference_vectors(model, ids):
    """One text at a time, without padding, as nothing else can then differ."""
    out = [model.text_projection(model.text_model(torch.tensor([row])).pooler_output)[0].numpy() for row in ids]
    return np.stack(out) / np.linalg.norm(out, axis=1, keepdims=True)


def vectors(model_dir, precision, texts, folder):
    texts_tool("vectors", model_dir, precision, folder / "vectors.safetensors", texts=texts)
    return load_file(folder / "vectors.safetensors")["vectors"]


def same_vectors(ours, theirs, least=COSINE):
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    assert (ours * theirs).sum(axis=1).min() >= least
    # What is common to all texts proves nothing.
    assert centred_cosines(ours, theirs).min() >= 1 - 10 * (1 - least)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("text")


def words_model(vocabulary):
    """Half of ViT-B/32's text tower in every direction, with the vocabulary in that folder."""
    tokens = json.loads((vocabulary / "vocab.json").read_text())
    return seeded_clip(text=dict(num_hidden_layers=6, hidden_size=256, intermediate_size=1024, num_attention_heads=4,
                                 vocab_size=len(tokens), eos_token_id=tokens["<|endoftext|>"]), **SMALL_VISION)


def save_with_vocabulary(model, vocabulary, folder):
    model.save_pretrained(folder)
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(vocabulary / name, folder)
    return folder


@pytest.fixture(scope="module")
def model(trained):  # noqa: F811
    return words_model(trained)


@pytest.fixture(scope="module")
def folder(model, trained, work):  # noqa: F811
    return save_with_vocabulary(model, trained, work / "hub")


@pytest.fixture(scope="module")
def stored(folder, work):
    return tool("import", folder, work / "models", "seeded")


@pytest.fixture(scope="module")
def texts():
    return lines(400, seed=14)[250:]


@pytest.fixture(scope="module")
def theirs(model, trained, texts):  # noqa: F811
    return reference_vectors(model, reference(trained, texts))


def test_the_stored_vocabulary_gives_the_same_ids(stored, trained, texts):  # noqa: F811
    ours = [json.loads(line) for line in texts_tool("ids", stored["dir"], texts=texts).splitlines()]
    assert ours == reference(trained, texts)


def test_every_stage(model, stored, trained, work):  # noqa: F811
    texts = ["a " * n + "b " * (9 - n) for n in range(8)]
    ids = torch.tensor(reference(trained, texts))
    texts_tool("stages", stored["dir"], "fp32", work / "stages.safetensors", texts=texts)
    found = load_file(work / "stages.safetensors")
    with torch.no_grad():
        out = model.text_model(ids, output_hidden_states=True)
        expected = [*out.hidden_states, out.pooler_output, model.text_projection(out.pooler_output)]
    same_stages([found[name] for name in sorted(found)], [stage.numpy() for stage in expected])


def test_vectors(stored, texts, theirs, work):
    same_vectors(vectors(stored["dir"], "fp32", texts, work), theirs)


def test_vectors_in_bf16(stored, texts, theirs, work):
    if not fast_bf16():
        pytest.skip("SKIPPED: this CPU is not fast at bf16")
    same_vectors(vectors(stored["dir"], "bf16", texts, work), theirs, COSINE_BF16)


def test_mutants_are_seen(model, texts, theirs, trained):  # noqa: F811
    """The assertion above must see another activation, an end that is cut off, and ids one place off."""
    ids = reference(trained, texts)
    for mutant in ([row[:-1] for row in ids], [(row[:1] + row)[:77] for row in ids]):
        with pytest.raises(AssertionError):
            same_vectors(reference_vectors(model, mutant), theirs)
    config = CLIPModel(model.config).eval().config
    config.text_config.hidden_act = "gelu"
    gelu = CLIPModel(config).eval()
    gelu.load_state_dict(model.state_dict())
    config.text_config.hidden_act = "quick_gelu"
    with pytest.raises(AssertionError):
        same_vectors(reference_vectors(gelu, ids), theirs)


def test_one_text_fingerprint_whatever_the_format(model, folder, stored, trained, work):  # noqa: F811
    assert len(stored["text_fingerprint"]) == 64 and stored["text_fingerprint"] != stored["fingerprint"]
    model.half().save_pretrained(work / "half")
    model.float().save_pretrained(work / "shards", max_shard_size="2MB")
    assert (work / "shards" / "model.safetensors.index.json").exists()
    from transformers import CLIPTokenizer

    CLIPTokenizer.from_pretrained(trained).save_pretrained(work / "half")
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(trained / name, work / "shards")
    openai_archive(model, work / "ViT.pt", text=True)
    sentence = work / "sentence"
    shutil.copytree(folder, sentence / "0_CLIPModel")
    (sentence / "modules.json").write_text(json.dumps(
        [{"idx": 0, "name": "0", "path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}]))
    prints = [tool("import", work / "half", work / "models", "half"),
              tool("import", work / "shards", work / "models", "shards"),
              tool("import", work / "ViT.pt", work / "models", "openai", trained),
              tool("import", sentence, work / "models", "sentence")]
    assert {p["text_fingerprint"] for p in prints} == {stored["text_fingerprint"]}
    assert {p["fingerprint"] for p in prints} == {stored["fingerprint"]}


def test_another_vocabulary_is_another_model(model, folder, stored, trained, work):  # noqa: F811
    target = shutil.copytree(folder, work / "swapped")
    merges = (target / "merges.txt").read_text().splitlines()
    merges[1], merges[2] = merges[2], merges[1]
    (target / "merges.txt").write_text("\n".join(merges) + "\n")
    swapped = tool("import", target, work / "models", "swapped")
    assert swapped["text_fingerprint"] != stored["text_fingerprint"]
    assert swapped["fingerprint"] == stored["fingerprint"]


def test_without_a_vocabulary_there_is_no_text(model, work):
    model.save_pretrained(work / "alone")
    alone = tool("import", work / "alone", work / "models", "alone")
    assert alone["text_fingerprint"] == "" and "vocabulary" in alone["no_text"]
    said = texts_tool("vectors", alone["dir"], "fp32", work / "none.safetensors", texts=["a"], fails=True)
    assert "embeds no texts" in said and "without its vocabulary" in said and "--vocabulary" in said


def test_what_is_damaged_is_refused(folder, stored, work, tmp_path):
    target = shutil.copytree(stored["dir"], tmp_path / "damaged")
    text = (target / "vocabulary").read_text()
    (target / "vocabulary").write_text(text.replace("merges", "mergez", 1))
    said = texts_tool("ids", target, texts=["a"], fails=True)
    assert "not the one that the model was imported with" in said
    small = shutil.copytree(folder, tmp_path / "small")
    config = json.loads((small / "config.json").read_text())
    config["text_config"]["vocab_size"] = 49408
    (small / "config.json").write_text(json.dumps(config))
    assert "vocab_size is 49408, but the tensors say" in tool("import", small, work / "models", "x", fails=True)


@pytest.mark.skipif(not SUITES, reason="SKIPPED: CATWALK_SUITES is not set, no published vocabulary")
def test_the_published_shape(work):
    """ViT-B/32's own text tower, with the published vocabulary."""
    model = seeded_clip(text=dict(num_hidden_layers=12, hidden_size=512, intermediate_size=2048,
                                  num_attention_heads=8, vocab_size=49408, eos_token_id=2), **SMALL_VISION)
    model.save_pretrained(work / "published")
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(Path(SUITES, "clip/tokenizer", name), work / "published")
    stored = tool("import", work / "published", work / "models", "published")
    texts = lines(260, seed=15)[200:] + ["a red dress"]
    theirs = reference_vectors(model, reference(work / "published", texts))
    same_vectors(vectors(stored["dir"], "fp32", texts, work), theirs)
