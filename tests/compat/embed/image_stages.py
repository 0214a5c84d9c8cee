"""What the image stages of the executable under test make of files, and what Pillow and transformers make of them."""

import json
import os
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

SIZE = 224
Image.MAX_IMAGE_PIXELS = None


@dataclass
class Stage:
    path: Path
    error: dict | None = None
    rgb: np.ndarray | None = None  # [height, width, 3]
    input: np.ndarray | None = None  # [3, size, size], 8 bits
    normalised: np.ndarray | None = None  # [3, size, size], floats
    eighths: int = 8  # of its own size, at which it was decoded


def dump(files, folder, size=SIZE, **limits):
    """Runs the executable over `files`; yields a Stage for each, in order. Fails when it crashes."""
    out = folder / f"stages-{size}-{len(list(folder.iterdir()))}"
    out.mkdir()
    command = [os.environ["CATWALK_STAGE_DUMP"], str(out), "--size", str(size)]
    for name, value in limits.items():
        command += ["--" + name.replace("_", "-"), str(value)]
    names = "".join(f"{file}\n" for file in files)
    run = subprocess.run(command, input=names, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, f"exit {run.returncode}: {run.stderr[-2000:]}"
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert [answer["input"] for answer in answers] == [str(file) for file in files]
    stages = []
    for i, answer in enumerate(answers):
        stage = Stage(Path(answer["input"]), answer.get("error"))
        if stage.error is None:
            stage.eighths = answer["eighths"]
            shape = (answer["height"], answer["width"], 3)
            stage.rgb = np.fromfile(out / f"{i}.rgb", np.uint8).reshape(shape)
            stage.input = np.fromfile(out / f"{i}.chw", np.uint8).reshape(3, size, size)
            stage.normalised = np.fromfile(out / f"{i}.f32", np.float32).reshape(3, size, size)
        stages.append(stage)
    return stages


def reference_image(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow recommends RGBA for palettes with alpha
        image = Image.open(path).convert("RGB")
    # Without the picture's info: with a transparent colour there transformers would blend it with white.
    return Image.fromarray(np.asarray(image))


def reference_rgb(path):
    return np.asarray(reference_image(path))


def cropped(image, size, resample):
    """Resizes the shortest edge and crops, for shapes whose whole resized picture would take gigabytes: the same
    resampling through Pillow's `box`, of the rows or columns around the centre alone."""
    short, long = min(image.size), max(image.size)
    length = int(size * long / short)
    scale = long / length
    # A window of whole input pixels that starts on an output pixel's edge, and is wide enough for the filter.
    start = (length - size) // 2
    box = (start * scale, (start + size) * scale)
    upright = image.width <= image.height
    box = (0, box[0], image.width, box[1]) if upright else (box[0], 0, box[1], image.height)
    return image.resize((size, size), resample, box=box)


def reference_input(path, size=SIZE, resample=Image.Resampling.BICUBIC, channels="RGB", shift=0, antialias=True,
                    round_up=False):
    """[3, size, size] in 8 bits, from transformers; the other arguments make mutants of it."""
    image = reference_image(path)
    if not antialias and min(image.size) > size:
        image = image.resize((size, max(size, int(size * image.height / image.width)))
                             if image.width <= image.height
                             else (max(size, int(size * image.width / image.height)), size), Image.Resampling.NEAREST)
    if round_up:
        short, long = min(image.size), max(image.size)
        length = -(-size * long // short) + 1
        if length * size < 1e8:
            image = image.resize((size, length) if image.width <= image.height else (length, size), resample)
    if size * size * max(image.size) / min(image.size) > 1e8:
        pixels = np.asarray(cropped(image, size, resample)).transpose(2, 0, 1)
    else:
        processor = CLIPImageProcessorPil(size={"shortest_edge": size}, crop_size={"height": size, "width": size},
                                          resample=resample, do_rescale=False, do_normalize=False)
        pixels = processor(image, return_tensors="np")["pixel_values"][0]
    if channels == "BGR":
        pixels = pixels[::-1]
    return np.roll(pixels, shift, axis=(1, 2)) if shift else pixels
