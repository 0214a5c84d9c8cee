"""A small CLIP with a text tower and a vocabulary of bytes and a few merges, as Hugging Face publishes it."""

import json

from tokenizers import pre_tokenizers

from tests.compat.embed.vision_models import seeded_clip


def write_word_model(folder, **sizes):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("r", "e"), ("re", "d</w>"), ("c", "o"), ("co", "a"), ("coa", "t</w>")]
    tokens = alphabet + [c + "</w>" for c in alphabet] + [a + b for a, b in merges] + ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    text = dict(vocab_size=len(tokens), eos_token_id=len(tokens) - 1)
    small = dict(hidden_size=64, intermediate_size=64, num_hidden_layers=2, num_attention_heads=1)
    seeded_clip(text=text | small, **(small | sizes)).save_pretrained(folder)
    return folder
