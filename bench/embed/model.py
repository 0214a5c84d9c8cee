"""A ViT-B/32 with seeded weights in the published format, and JPEG pictures of a shop's size."""

import pathlib
import sys

import numpy
import torch
from PIL import Image
from transformers import CLIPImageProcessor

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "compat" / "embed"))
from vision_models import seeded_clip  # noqa: E402


def write_model(folder):
    """A Hugging Face folder of a CLIPModel; made once."""
    if not (folder / "config.json").exists():
        torch.manual_seed(1)
        model = seeded_clip()
        model.save_pretrained(folder)
        CLIPImageProcessor().save_pretrained(folder)
    return folder


def write_pictures(folder, count, width=800, height=1200):
    """`count` JPEG files with soft shapes and some grain, of 100 to 200 kB as shops serve them; made once."""
    folder.mkdir(parents=True, exist_ok=True)
    random = numpy.random.default_rng(5)
    files = [folder / f"{number:04}.jpg" for number in range(count)]
    for file in files:
        if file.exists():
            continue
        coarse = Image.fromarray(random.integers(0, 256, (15, 10, 3), dtype=numpy.uint8))
        soft = numpy.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=numpy.int16)
        grain = random.integers(-12, 13, soft.shape, dtype=numpy.int16)
        Image.fromarray((soft + grain).clip(0, 255).astype(numpy.uint8)).save(file, quality=88)
    return files
