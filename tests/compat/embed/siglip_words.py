"""SentencePiece vocabularies of SigLIP's kind, trained here."""

import collections
import io

import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2
from text_lines import lines


def train(folder, size=3000, rule="nmt_nfkc", seed=5):
    """`folder`/spiece.model: pieces of lower-case lines, <pad> 0, </s> 1, <unk> 2 as in the published one."""
    model = io.BytesIO()
    text = [line.replace("\n", " ").replace("\0", " ").lower()[:2000] for line in lines(1500, seed=seed)]
    count = collections.Counter("".join(text))
    text = ["".join(c for c in line if count[c] >= 20) for line in text]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text), model_writer=model, vocab_size=size, model_type="unigram", pad_id=0, eos_id=1,
        unk_id=2, bos_id=-1, normalization_rule_name=rule, character_coverage=1.0, hard_vocab_limit=False,
        minloglevel=2)
    (folder / "spiece.model").write_bytes(model.getvalue())
    return folder


def as_tokenizer_json(source, folder):
    """The same vocabulary as `folder`/tokenizer.json, in the form of the tokenizers library."""
    proto = sentencepiece_model_pb2.ModelProto.FromString((source / "spiece.model").read_bytes())
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.Unigram(pieces, unk_id=2))
    steps = tokenizers.normalizers
    tokenizer.normalizer = steps.Sequence([steps.Precompiled(proto.normalizer_spec.precompiled_charsmap),
                                           steps.Strip(left=False, right=True), steps.Replace(tokenizers.Regex(" {2,}"), "▁")])
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.add_special_tokens([tokenizers.AddedToken(mark, special=True) for mark in ("<pad>", "</s>", "<unk>")])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
