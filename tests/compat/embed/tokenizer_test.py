"""CLIP's byte-pair tokeniser against transformers' CLIPTokenizer, and against ids of OpenAI's own.

CATWALK_TEXT_STAGE_DUMP names the executable under test (ctest sets it). The published vocabulary comes from
CATWALK_SUITES; without it a vocabulary that is trained here on the lines themselves is still compared.
"""

import gzip
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from text_lines import lines
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

SUITES = os.environ.get("CATWALK_SUITES")
needs_suites = pytest.mark.skipif(not SUITES, reason="SKIPPED: CATWALK_SUITES is not set, no published vocabulary")


def tokenise(vocabulary, texts):
    run = subprocess.run([os.environ["CATWALK_TEXT_STAGE_DUMP"], "tokenize", str(vocabulary)], timeout=600,
                         input="".join(json.dumps(text) + "\n" for text in texts), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    return [json.loads(line) for line in run.stdout.splitlines()]


def reference(folder, texts):
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    return tokenizer(texts, truncation=True, max_length=77).input_ids


def same(ours, theirs, texts):
    assert len(ours) == len(theirs) == len(texts)
    wrong = [(t, a, b) for t, a, b in zip(texts, ours, theirs) if a != b]
    assert not wrong, f"{len(wrong)} of {len(texts)}, the first {wrong[0]!r}"


@pytest.fixture(scope="module")
def published():
    return Path(SUITES, "clip/tokenizer")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A vocabulary of CLIP's kind made from the lines, in Hugging Face's two files."""
    folder = tmp_path_factory.mktemp("trained")
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(),
                                                       pre_tokenizers.ByteLevel(add_prefix_space=False)])
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=3000, initial_alphabet=alphabet, end_of_word_suffix="</w>",
                                  show_progress=False, max_token_length=20)
    tokenizer.train_from_iterator(lines(1500, seed=3), trainer)
    merges = [tuple(m) for m in json.loads(tokenizer.to_str())["model"]["merges"]]
    order = sorted(alphabet)
    tokens = list(dict.fromkeys(order + [c + "</w>" for c in order] + [a + b for a, b in merges]
                                + ["<|startoftext|>", "<|endoftext|>"]))
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    assert len(merges) > 1000
    return folder


def test_ids_of_a_vocabulary_made_here(trained):
    texts = lines()
    assert len(texts) >= 3500
    same(tokenise(trained, texts), reference(trained, texts), texts)


@needs_suites
def test_ids_of_the_published_vocabulary(published, tmp_path):
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(published / name, tmp_path)
    texts = lines(6000, seed=12)
    same(tokenise(tmp_path, texts), reference(tmp_path, texts), texts)


@needs_suites
def test_every_form_of_the_vocabulary_gives_the_same(published, tmp_path):
    pair, packed, plain, whole = (tmp_path / n for n in ("pair", "packed", "plain", "whole"))
    for folder in (pair, packed, plain):
        folder.mkdir()
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(published / name, pair)
    shutil.copy(published / "bpe_simple_vocab_16e6.txt.gz", packed)
    (plain / "bpe_simple_vocab_16e6.txt").write_bytes(
        gzip.decompress((published / "bpe_simple_vocab_16e6.txt.gz").read_bytes()))
    CLIPTokenizer.from_pretrained(pair).save_pretrained(whole)
    assert not (whole / "merges.txt").exists()
    texts = lines(400, seed=13)
    first = tokenise(pair, texts)
    for source in (packed, packed / "bpe_simple_vocab_16e6.txt.gz", plain, whole, whole / "tokenizer.json",
                   pair / "vocab.json", pair / "merges.txt"):
        assert tokenise(source, texts) == first, source


@needs_suites
def test_ids_that_openai_published(published):
    """77 ids with zeros behind the end mark."""
    cases = json.loads((published / "ids77.json").read_text())
    ours = tokenise(published, [case["text"] for case in cases])
    for case, ids in zip(cases, ours):
        assert ids + [0] * (77 - len(ids)) == case["ids77"], case["text"]


@needs_suites
def test_ids_of_openais_tokenizer(published):
    """All but the texts that only OpenAI's own tokenizer repairs (ftfy) or unescapes (HTML entities), and those with
    marks written out, which transformers takes for tokens wherever they stand."""
    reference = json.loads((published / "openai_reference.json").read_text())
    cases = [case for case in reference["cases"] if not case["needs_ftfy_or_unescape"]]
    cases = [case for case in cases if "<|" not in case["text"]]
    # Python's lower() knows the final sigma, transformers' does not.
    cases = [case for case in cases if case["text"].lower() == "".join(c.lower() for c in case["text"])]
    assert len(cases) >= 100
    for case, ids in zip(cases, tokenise(published, [case["text"] for case in cases])):
        assert ids == [49406, *case["ids"]][:76] + [49407], case["text"]
