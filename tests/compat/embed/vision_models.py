"""Seeded CLIP models in the formats in which the trained ones are published, and what transformers makes of images."""

import copy

import numpy as np
import torch
from transformers import CLIPConfig, CLIPModel, CLIPVisionModelWithProjection

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)


def seeded_clip(seed=7, text=None, **vision):
    """A CLIPModel whose image tower is ViT-B/32's unless `vision` says otherwise. The text tower is small unless `text`
    says otherwise."""
    text = dict(num_hidden_layers=1, hidden_size=64, intermediate_size=64, num_attention_heads=1,
                vocab_size=99) | (text or {})
    shape = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
                 image_size=224, patch_size=32)
    config = CLIPConfig(text_config=text, vision_config=shape | vision, projection_dim=512)
    config._attn_implementation = "eager"
    return seed_weights(CLIPModel(config).eval(), seed)


def seed_weights(model, seed):
    """With the libraries' own initial weights all images look alike and a wrong resize goes unseen: matrices get a
    standard deviation of 0.05, and no bias and no norm is left at 0 and 1. All numbers are exact in fp16, as those of
    OpenAI's file are."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=random)
            if "norm" in name or "layrnorm" in name:
                weight.copy_(0.1 * noise + (1 if name.endswith("weight") else 0))
            elif name.endswith("bias"):
                weight.copy_(0.02 * noise)
            else:
                weight.copy_(0.05 * noise)
            weight.copy_(weight.half().float())
    return model


def inject_outliers(model, seed=5):
    """Trained towers have channels far larger than the others. Six before each of `qkv` and `fc1`, 40 times as large
    (taken back by the weights behind them, so that the vectors stay), and four in the residual stream."""
    random, state = torch.Generator().manual_seed(seed), model.state_dict()
    width = model.config.vision_config.hidden_size
    with torch.no_grad():
        for i in range(model.config.vision_config.num_hidden_layers):
            name = f"vision_model.encoder.layers.{i}"
            behind = {"layer_norm1": [f"self_attn.{part}_proj" for part in "qkv"], "layer_norm2": ["mlp.fc1"]}
            for norm, layers in behind.items():
                channels = torch.randperm(width, generator=random)[:6]
                for kind in ("weight", "bias"):
                    state[f"{name}.{norm}.{kind}"][channels] *= 40
                for layer in layers:
                    state[f"{name}.{layer}.weight"][:, channels] /= 40
        channels = torch.randperm(width, generator=random)[:4]
        state["vision_model.encoder.layers.1.mlp.fc2.bias"][channels] += 60
    return model


def save_vision_only(model, folder, **options):
    """The image tower alone, as CLIPVisionModelWithProjection publishes it."""
    config = copy.deepcopy(model.config.vision_config)
    config.projection_dim = model.config.projection_dim
    alone = CLIPVisionModelWithProjection(config)
    alone.load_state_dict({k: v for k, v in model.state_dict().items() if k.startswith(("vision_model", "visual_"))})
    alone.save_pretrained(folder, **options)


class Named(torch.nn.Module):
    """A module that is nothing but its names."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def openai_block(state, source, name):
    """One block of transformers' tensors under OpenAI's names."""
    tensors = {}
    for kind in ("weight", "bias"):
        tensors[f"{name}.attn.in_proj_{kind}"] = torch.cat(
            [state[f"{source}.self_attn.{part}_proj.{kind}"] for part in "qkv"])
        for theirs, ours in {"self_attn.out_proj": "attn.out_proj", "layer_norm1": "ln_1", "layer_norm2": "ln_2",
                             "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}.items():
            tensors[f"{name}.{ours}.{kind}"] = state[f"{source}.{theirs}.{kind}"]
    return tensors


def openai_tensors(model):
    """A CLIPModel's tensors under OpenAI's names, which open_clip keeps."""
    state = model.state_dict()
    tensors = {"token_embedding.weight": state["text_model.embeddings.token_embedding.weight"],
               "positional_embedding": state["text_model.embeddings.position_embedding.weight"],
               "ln_final.weight": state["text_model.final_layer_norm.weight"],
               "ln_final.bias": state["text_model.final_layer_norm.bias"],
               "text_projection": state["text_projection.weight"].t().contiguous()}
    for i in range(model.config.text_config.num_hidden_layers):
        tensors |= openai_block(state, f"text_model.encoder.layers.{i}", f"transformer.resblocks.{i}")
    return tensors | {f"visual.{name}": tensor for name, tensor in openai_vision(model).items()}


def openai_vision(model):
    state = model.state_dict()
    layers = model.config.vision_config.num_hidden_layers
    names = {
        "vision_model.embeddings.class_embedding": "class_embedding",
        "vision_model.embeddings.patch_embedding.weight": "conv1.weight",
        "vision_model.embeddings.position_embedding.weight": "positional_embedding",
        "vision_model.pre_layrnorm": "ln_pre",
        "vision_model.post_layernorm": "ln_post",
    }
    tensors = {}
    for source, name in names.items():
        if source in state:
            tensors[name] = state[source]
        else:
            for kind in ("weight", "bias"):
                tensors[f"{name}.{kind}"] = state[f"{source}.{kind}"]
    tensors["proj"] = state["visual_projection.weight"].t().contiguous()
    for i in range(layers):
        tensors |= openai_block(state, f"vision_model.encoder.layers.{i}", f"transformer.resblocks.{i}")
    return tensors


def openai_archive(model, file, text=False):
    """The layout of OpenAI's ViT-B-32.pt: a TorchScript archive, fp16, the image tower under `visual.*`."""
    tensors = openai_tensors(model) if text else {f"visual.{k}": t for k, t in openai_vision(model).items()}
    root = Named()
    for name, tensor in tensors.items():
        module = root
        for part in name.split(".")[:-1]:
            if part not in module._modules:
                module.add_module(part, Named())
            module = module._modules[part]
        module.register_parameter(name.split(".")[-1], torch.nn.Parameter(tensor.half(), requires_grad=False))
    root.register_parameter("logit_scale", torch.nn.Parameter(torch.tensor(4.6), requires_grad=False))
    root.register_buffer("input_resolution", torch.tensor(model.config.vision_config.image_size))
    torch.jit.script(root).save(str(file))


@torch.no_grad()
def reference_stages(model, pixels):
    """uint8 [batch, 3, size, size] -> the stages that the executable under test dumps, by transformers in fp32."""
    embeddings = {}
    hook = model.vision_model.embeddings.register_forward_hook(lambda _, __, out: embeddings.update(out=out))
    out = model.vision_model((pixels.float() / 255 - MEAN) / STD, output_hidden_states=True)
    hook.remove()
    hidden = out.hidden_states
    stages = [embeddings["out"], *hidden[:-1], hidden[-1][:, 0], out.pooler_output,
              model.visual_projection(out.pooler_output)]
    return [stage.numpy() for stage in stages]


def reference_vectors(model, pixels):
    vectors = reference_stages(model, torch.as_tensor(np.ascontiguousarray(pixels)))[-1]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
