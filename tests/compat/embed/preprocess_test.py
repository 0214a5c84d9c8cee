"""Decoding, resizing and cropping against Pillow and transformers' CLIPImageProcessor, picture by picture.

CATWALK_STAGE_DUMP names the executable under test (ctest sets it). Photographs come from CATWALK_SUITES; without it
those tests are skipped and the pictures drawn here are still compared.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from image_stages import SIZE, dump, reference_input, reference_rgb
from PIL import Image

SUITES = os.environ.get("CATWALK_SUITES")
needs_suites = pytest.mark.skipif(not SUITES, reason="SKIPPED: CATWALK_SUITES is not set, no third-party pictures")

LEVELS = 1  # 8-bit levels by which a pixel may differ


def photographs():
    if not SUITES:
        return []
    folders = ["clip/images", "images/photos-immich", "images/exif-orientation", "images/jpeg-libjpeg-turbo"]
    files = [f for folder in folders for f in Path(SUITES, folder).rglob("*")]
    return sorted(f for f in files if f.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"} and
                  f.name != "monkey12.jpg")  # 12 bits a sample: Pillow does not read it either


def scene(width, height, seed=1):
    """Something between noise and nature: smooth areas, hard edges, texture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.stack([127 + 120 * np.sin(x / 17 + c) * np.cos(y / 23 - c) for c in range(3)], axis=-1)
    picture[(x // 40 + y // 40) % 2 == 0] *= 0.4
    picture += rng.normal(0, 12, picture.shape)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def drawn(folder):
    """Odd shapes and every pixel layout that shops send."""
    rgb = scene(300, 420)
    noise = Image.fromarray(np.random.default_rng(2).integers(0, 256, (200, 333, 4), dtype=np.uint8), "RGBA")
    grey_16 = Image.fromarray(np.linspace(0, 65535, 256 * 300).astype(np.uint16).reshape(256, 300))
    dark_16 = Image.fromarray((np.arange(256 * 300) % 400).astype(np.uint16).reshape(256, 300))
    palette = rgb.quantize(200)
    pictures = {
        "rgb.png": (rgb, {}),
        "one_pixel.png": (scene(1, 1), {}),
        "one_wide.png": (scene(1, 5000), {}),
        "one_high.png": (scene(5000, 1), {}),
        "one_wide_65000.png": (scene(1, 65000), {}),
        "two_wide.png": (scene(2, 999), {}),
        "wide_5000.jpg": (scene(5000, 700), {"quality": 85}),
        "high_5000.jpg": (scene(301, 5000), {"quality": 85}),
        "exactly_224.png": (scene(224, 224), {}),
        "odd_surplus.png": (scene(224, 225), {}),
        "odd_surplus_wide.png": (scene(349, 224), {}),
        "rounding.png": (scene(333, 1000), {}),
        "upscale.png": (scene(37, 53), {}),
        "grey.jpg": (rgb.convert("L"), {"quality": 90}),
        "grey.png": (rgb.convert("L"), {}),
        "bilevel.png": (rgb.convert("1"), {}),
        "grey_alpha.png": (noise.convert("LA"), {}),
        "rgba.png": (noise, {}),
        "grey_16.png": (grey_16, {}),
        "dark_16.png": (dark_16, {}),
        "palette.png": (palette, {}),
        "palette_transparent.png": (palette, {"transparency": 3}),
        "palette_alphas.png": (palette, {"transparency": bytes(range(0, 200))}),
        "palette_small.png": (rgb.quantize(3), {"bits": 2}),
        "cmyk.jpg": (rgb.convert("CMYK"), {"quality": 90}),
        "progressive.jpg": (rgb, {"quality": 75, "progressive": True}),
        "subsampled_444.jpg": (rgb, {"quality": 75, "subsampling": 0}),
        "subsampled_422.jpg": (rgb, {"quality": 75, "subsampling": 1}),
        "odd_420.jpg": (scene(301, 203), {"quality": 60, "subsampling": 2}),
        "restarts.jpg": (rgb, {"quality": 75, "restart_marker_blocks": 3}),
        "rgb_jpeg.jpg": (rgb, {"quality": 90, "keep_rgb": True}),
        "lossy.webp": (rgb, {"quality": 80}),
        "lossy_alpha.webp": (noise, {"quality": 80}),
        "lossless.webp": (noise, {"lossless": True, "exact": True}),
        "animated.webp": (rgb, {"save_all": True, "append_images": [scene(300, 420, 9)], "duration": 100}),
        "animated.png": (rgb, {"save_all": True, "append_images": [scene(300, 420, 9)], "duration": 100}),
    }
    for name, (picture, options) in pictures.items():
        picture.save(folder / name, **options)
    return [folder / name for name in pictures]


@pytest.fixture(scope="module")
def drawn_pictures(tmp_path_factory):
    return drawn(tmp_path_factory.mktemp("drawn"))


def difference(a, b):
    assert a.shape == b.shape, f"{a.shape} and {b.shape}"
    return int(np.abs(a.astype(np.int16) - b.astype(np.int16)).max())


def compare(files, tmp_path, size=SIZE):
    """The pictures whose pixels differ by more than LEVELS, by stage."""
    wrong = []
    for stage in dump(files, tmp_path, size=size):
        assert stage.error is None, f"{stage.path}: {stage.error}"
        decoded = difference(stage.rgb, reference_rgb(stage.path))
        ready = difference(stage.input, reference_input(stage.path, size=size))
        if decoded > LEVELS or ready > LEVELS:
            wrong.append((stage.path.name, decoded, ready))
    return wrong


def test_drawn_pictures_equal_the_reference(drawn_pictures, tmp_path):
    assert compare(drawn_pictures, tmp_path) == []


def test_other_input_sizes_equal_the_reference(drawn_pictures, tmp_path):
    assert compare(drawn_pictures, tmp_path, size=336) == []


@needs_suites
def test_photographs_equal_the_reference(tmp_path):
    files = photographs()
    assert len(files) >= 40
    assert compare(files, tmp_path) == []


@needs_suites
def test_openai_preprocessed_tensor(tmp_path):
    """OpenAI's own tensor for one photograph, normalised: equal to one level, that is 1/255 before normalising."""
    expected = np.load(Path(SUITES, "clip/preprocess/expected_preprocessed_image.npy")).reshape(3, SIZE, SIZE)
    [stage] = dump([Path(SUITES, "clip/images/franz-kafka.jpg")], tmp_path)
    mean = np.array([0.48145466, 0.4578275, 0.40821073]).reshape(3, 1, 1)
    deviation = np.array([0.26862954, 0.26130258, 0.27577711]).reshape(3, 1, 1)
    levels = np.abs(stage.input / 255 - (expected * deviation + mean)).max() * 255
    assert levels <= LEVELS + 1e-3
    assert np.abs(stage.normalised - expected).max() <= 1 / 255 / deviation.min() + 1e-4
    exact = (stage.input / 255 - mean) / deviation
    assert np.abs(stage.normalised - exact).max() < 1e-5


MUTANTS = {
    "bilinear": {"resample": Image.Resampling.BILINEAR},
    "blue first": {"channels": "BGR"},
    "crop one pixel off": {"shift": 1},
    "no antialiasing": {"antialias": False},
    "long edge rounded up": {"round_up": True},
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_of_the_reference_fail(mutant, drawn_pictures, tmp_path):
    """The comparison sees each of these mistakes: were the product to make it, the tests above would fail."""
    seen = [
        stage.path.name
        for stage in dump(drawn_pictures, tmp_path)
        if difference(stage.input, reference_input(stage.path, **MUTANTS[mutant])) > LEVELS
    ]
    assert seen, f"the comparison does not see the mutant: {mutant}"
    if mutant in ("bilinear", "blue first", "crop one pixel off") and SUITES:
        photos = dump(photographs(), tmp_path)
        seen = [s for s in photos if difference(s.input, reference_input(s.path, **MUTANTS[mutant])) > LEVELS]
        # Grey and white pictures look the same through some of these.
        assert len(seen) >= 0.8 * len(photos)
