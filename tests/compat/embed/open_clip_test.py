"""Folders as open_clip and sentence-transformers publish them, against those libraries.

CATWALK_TEXT_STAGE_DUMP and CATWALK_VISION_STAGE_DUMP name the executables under test (ctest sets them). Both libraries
want torchvision, whose builds for this torch bring CUDA along: scripts/setup puts it into a folder apart, where only
this test sees it, and the operators that it cannot load there are declared without a body.
"""

import json
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file
from text_lines import lines
from text_test import same_vectors as same_text_vectors
from text_test import vectors
from tokenizer_test import reference, trained  # noqa: F401, a fixture
from siglip_words import as_tokenizer_json, train
from text_test import texts_tool
from vision_models import openai_tensors, seed_weights, seeded_clip
from vision_test import stages, tool

APART = Path(sys.prefix, "apart")
operators = torch.library.Library("torchvision", "DEF")
for operator in ("nms", "qnms"):
    operators.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
sys.path.insert(0, str(APART))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from open_clip.model import CLIP, CustomTextCLIP

OPENAI = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1), torch.tensor(
    [0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)
HALF = torch.tensor(0.5), torch.tensor(0.5)


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("open-clip")


def save(folder, config, model, preprocess=None):
    folder.mkdir()
    save_file({k: t.contiguous() for k, t in model.state_dict().items() if "attn_mask" not in k},
              folder / "open_clip_model.safetensors")
    root = {"model_cfg": config} | ({"preprocess_cfg": preprocess} if preprocess else {})
    (folder / "open_clip_config.json").write_text(json.dumps(root))
    return folder


def clip_config(tokens, **more):
    return {"embed_dim": 96,
            "vision_cfg": {"image_size": 112, "layers": 3, "width": 128, "patch_size": 16, "head_width": 32},
            "text_cfg": {"context_length": 77, "vocab_size": tokens, "width": 128, "heads": 4, "layers": 3}} | more


def clip_of(config, seed=5):
    return seed_weights(CLIP(**config).eval(), seed)


@torch.no_grad()
def same_pictures(model, stored, normalisation, size, work):
    pixels = np.random.default_rng(1).integers(0, 256, (5, 3, size, size), dtype=np.uint8)
    _, ours = stages(stored["dir"], "fp32", pixels, work)
    mean, std = normalisation
    theirs = model.encode_image((torch.as_tensor(pixels).float() / 255 - mean) / std, normalize=True).numpy()
    assert (ours * theirs).sum(axis=1).min() >= 0.99999
    assert np.abs(ours - theirs).max() < 1e-4


@torch.no_grad()
def theirs_of(model, ids, length):
    rows = torch.tensor([row + [0] * (length - len(row)) for row in ids])
    return model.encode_text(rows, normalize=True).numpy()


@pytest.mark.parametrize("act", [{}, {"quick_gelu": True}], ids=["gelu", "quick_gelu"])
def test_plain_towers(act, trained, work):  # noqa: F811
    tokens = len(json.loads((trained / "vocab.json").read_text()))
    config = clip_config(tokens, **act)
    model = clip_of(config)
    folder = save(work / f"plain{len(act)}", config, model)
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(trained / name, folder)
    stored = tool("import", folder, work / "models", folder.name)
    assert (stored["architecture"], stored["dim"]) == ("clip-vit-w128-l3-p16-112", 96)
    same_pictures(model, stored, OPENAI, 112, work)
    texts = lines(300, seed=31)
    theirs = theirs_of(model, reference(trained, texts), 77)
    same_text_vectors(vectors(stored["dir"], "fp32", texts, work), theirs)
    with pytest.raises(AssertionError):
        other = clip_of(config | {"quick_gelu": not act})
        same_pictures(other, stored, OPENAI, 112, work)


def test_the_same_weights_from_hugging_face_have_the_same_fingerprint(trained, work):  # noqa: F811
    tokens = json.loads((trained / "vocab.json").read_text())
    model = seeded_clip(text=dict(num_hidden_layers=2, hidden_size=128, intermediate_size=512, num_attention_heads=2,
                                  vocab_size=len(tokens), eos_token_id=tokens["<|endoftext|>"]),
                        hidden_size=128, intermediate_size=512, num_hidden_layers=2, num_attention_heads=2)
    model.save_pretrained(work / "hub")
    folder = work / "same"
    folder.mkdir()
    save_file({k: t.contiguous() for k, t in openai_tensors(model).items()}, folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": {
        "embed_dim": 512, "quick_gelu": True,
        "vision_cfg": {"image_size": 224, "layers": 2, "width": 128, "patch_size": 32},
        "text_cfg": {"context_length": 77, "vocab_size": len(tokens), "width": 128, "heads": 2, "layers": 2}}}))
    for target in (work / "hub", folder):
        for name in ("vocab.json", "merges.txt"):
            shutil.copy(trained / name, target)
    one, two = tool("import", work / "hub", work / "models", "one"), tool("import", folder, work / "models", "two")
    assert one["fingerprint"] == two["fingerprint"] and one["text_fingerprint"] == two["text_fingerprint"] != ""


def siglip_config():
    """Marqo/marqo-fashionSigLIP's, with fewer blocks of text."""
    return {"embed_dim": 768, "init_logit_bias": -10, "custom_text": True,
            "vision_cfg": {"image_size": 224, "timm_model_name": "vit_base_patch16_siglip_224",
                           "timm_model_pretrained": False, "timm_pool": "map", "timm_proj": "none"},
            "text_cfg": {"context_length": 64, "vocab_size": 3000, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP",
                         "tokenizer_kwargs": {"clean": "canonicalize"}, "width": 768, "heads": 12, "layers": 2,
                         "no_causal_mask": True, "proj_bias": True, "pool_type": "last",
                         "norm_kwargs": {"eps": 1e-6}}}


def test_timm_siglip(work):
    config = siglip_config()
    arguments = {k: v for k, v in config.items() if k != "custom_text"}
    model = seed_weights(CustomTextCLIP(**arguments).eval(), 5)
    folder = save(work / "marqo", config, model, {"size": [224, 224], "mode": "RGB", "mean": [0.5] * 3, "std": [0.5] * 3,
                                                  "interpolation": "bicubic", "resize_mode": "squash"})
    stored = tool("import", folder, work / "models", "marqo")
    assert (stored["architecture"], stored["dim"], stored["image_size"]) == ("siglip-b-16", 768, 224)
    assert "without its vocabulary" in stored["no_text"]
    same_pictures(model, stored, HALF, 224, work)
    as_tokenizer_json(train(work), folder)
    with_words = tool("import", folder, work / "models", "marqo-words")
    texts = ["a red dress", "Red_dress: product_type!", ""]
    rows = [json.loads(line) for line in texts_tool("ids", with_words["dir"], texts=texts).splitlines()]
    plain = [json.loads(line) for line in texts_tool("ids", with_words["dir"], texts=["red dress product type"]).splitlines()]
    assert rows[1] == plain[0]  # open_clip's own rule: an underscore parts words
    with torch.no_grad():
        theirs = model.encode_text(torch.tensor(rows), normalize=True).numpy()
    texts_tool("vectors", with_words["dir"], "fp32", work / "words.safetensors", texts=texts)
    ours = load_file(work / "words.safetensors")["vectors"]
    assert (ours * theirs).sum(axis=1).min() > 0.99999


@pytest.mark.parametrize(("change", "words"), [
    ({"vision_cfg": {"no_ln_pre": True}}, "no_ln_pre"), ({"vision_cfg": {"attentional_pool": True}}, "attentional_pool"),
    ({"vision_cfg": {"act_kwargs": {"x": 1}}}, "act_kwargs"), ({"text_cfg": {"pool_type": "first"}}, "pool_type"),
    ({"vision_cfg": {"pool_type": "avg"}}, "pool_type"), ({"vision_cfg": {"timm_model_name": "resnet50"}}, "resnet50"),
    ({"text_cfg": {"vocab_size": 5}}, "vocab_size is 5"), ({"embed_dim": 5}, "embed_dim is 5")])
def test_what_catwalk_does_not_run_is_named(change, words, trained, work, tmp_path):  # noqa: F811
    config = clip_config(600)
    folder = save(tmp_path / "odd", config, clip_of(config))
    for key, value in change.items():
        config[key] = config[key] | value if isinstance(value, dict) else value
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    assert words in tool("import", folder, work / "models", "odd", fails=True)


def test_sentence_transformers(trained, work):  # noqa: F811
    """As `SentenceTransformer.save` writes it, and the vectors that `encode` gives."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import CLIPModel
    from transformers import CLIPTokenizer
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    tokens = json.loads((trained / "vocab.json").read_text())
    clip = seeded_clip(text=dict(num_hidden_layers=2, hidden_size=128, intermediate_size=512, num_attention_heads=2,
                                 vocab_size=len(tokens), eos_token_id=tokens["<|endoftext|>"]),
                       hidden_size=128, intermediate_size=512, num_hidden_layers=2, num_attention_heads=2)
    clip.save_pretrained(work / "inner")
    CLIPTokenizer.from_pretrained(trained).save_pretrained(work / "inner")
    CLIPImageProcessorPil().save_pretrained(work / "inner")
    model = SentenceTransformer(modules=[CLIPModel(str(work / "inner"))], device="cpu")
    model.save(str(work / "sentence"))
    stored = tool("import", work / "sentence", work / "models", "sentence")
    texts = ["a red dress", "long sleeves", "šaty", ""]
    theirs = model.encode(texts, normalize_embeddings=True)
    assert (vectors(stored["dir"], "fp32", texts, work) * theirs).sum(axis=1).min() >= 0.99999
    (work / "sentence" / "modules.json").write_text('[{"type":"a.CLIPModel","path":"../x"}]')
    assert "outside the folder" in tool("import", work / "sentence", work / "models", "x", fails=True)
