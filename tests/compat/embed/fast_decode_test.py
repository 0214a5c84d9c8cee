"""`embed.decode: fast`: JPEGs decoded at a smaller scale give vectors at a cosine of 0.999 and more with the exact ones.

CATWALK_STAGE_DUMP names the executable under test (ctest sets it). Photographs come from CATWALK_SUITES; without it the
pictures drawn here are still compared.
"""

import numpy as np
import pytest
from image_stages import SIZE, dump
from PIL import Image
from preprocess_test import needs_suites, photographs, scene
from vision_models import reference_vectors, seeded_clip

COSINE = 0.999
MARGIN = 1.5  # times the model's edge are left on the shorter one
SCALES = (1, 2, 4)  # eighths


def expected_scale(width, height, size=SIZE):
    return next((n for n in SCALES if min(width, height) * n / 8 >= MARGIN * size), 8)


@pytest.fixture(scope="module")
def model():
    return seeded_clip()


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("fast")


@pytest.fixture(scope="module")
def drawn(work):
    """Hard edges and noise at sizes that no scale divides, and right at the rule's borders."""
    folder = work / "drawn"
    folder.mkdir()
    sizes = [(800, 1200), (673, 672), (671, 900), (1345, 1999), (1343, 1344), (2689, 3001), (5003, 701)]
    files = []
    for i, (width, height) in enumerate(sizes):
        for kind, options in {"q85": {"quality": 85}, "444": {"quality": 95, "subsampling": 0},
                              "progressive": {"quality": 75, "progressive": True}}.items():
            if kind == "q85" or i < 2:
                files.append(folder / f"{width}x{height}-{kind}.jpg")
                scene(width, height, seed=i).save(files[-1], **options)
    files.append(folder / "grey.jpg")
    scene(900, 901).convert("L").save(files[-1], quality=85)
    return files


def both(files, work):
    return dump(files, work), dump(files, work, decode="fast")


def check(model, files, work):
    """Returns how many came at a smaller scale."""
    scaled = []
    for exact, fast in zip(*both(files, work), strict=True):
        assert exact.error is None and fast.error is None, fast
        height, width = exact.rgb.shape[:2]
        assert fast.eighths == expected_scale(width, height), exact.path
        assert fast.rgb.shape[:2] == tuple(-(-edge * fast.eighths // 8) for edge in (height, width))
        if fast.eighths == 8:
            assert np.array_equal(exact.input, fast.input), exact.path
        else:
            scaled.append((exact, fast))
    ours = reference_vectors(model, np.stack([fast.input for _, fast in scaled]))
    theirs = reference_vectors(model, np.stack([exact.input for exact, _ in scaled]))
    for (exact, fast), cosine in zip(scaled, (ours * theirs).sum(1), strict=True):
        assert cosine >= COSINE, f"{exact.path.name} at {fast.eighths}/8: {cosine:.5f}"
    print(f"{len(scaled)} of {len(files)} scaled, least cosine {(ours * theirs).sum(1).min():.5f}")
    return len(scaled)


def test_drawn_pictures(model, drawn, work):
    assert check(model, drawn, work) >= 8


@needs_suites
def test_photographs(model, work):
    files = [f for f in photographs() if f.suffix in {".jpg", ".jpeg"} and "libjpeg-turbo" not in str(f)
             and Image.open(f).mode == "RGB"]
    assert check(model, files, work) >= 15


def test_detail_between_the_scales_stays_in_its_place(work):
    """A picture that ends within a block: without its own extent it would be stretched by up to a pixel."""
    file = work / "lines.jpg"
    x = np.arange(1037)
    row = np.where(x // 3 % 2, 255, 0).astype(np.uint8)
    Image.fromarray(np.repeat(np.repeat(row[None, :, None], 1111, 0), 3, 2)).save(file, quality=95, subsampling=0)
    (exact,), (fast,) = both([file], work)
    assert fast.eighths == 4
    assert np.abs(exact.input.astype(int) - fast.input).mean() < 4


def test_cmyk_and_other_formats_come_exact(work):
    picture = scene(900, 900)
    files = []
    for name, image in {"cmyk.jpg": picture.convert("CMYK"), "rgb.png": picture, "rgb.webp": picture}.items():
        files.append(work / name)
        image.save(files[-1])
    for exact, fast in zip(*both(files, work), strict=True):
        assert fast.eighths == 8
        assert np.array_equal(exact.input, fast.input)


def test_what_breaks_off_is_an_error_at_any_scale(work):
    whole = work / "whole.jpg"
    scene(1400, 1400).save(whole, quality=85)
    file = work / "cut.jpg"
    file.write_bytes(whole.read_bytes()[:60_000])
    (exact,), (fast,) = both([file], work)
    assert exact.error["code"] == fast.error["code"] == "broken_image"
