"""The third-party pictures of CATWALK_SUITES/images by their manifest, damaged copies of them, and bombs.

CATWALK_STAGE_DUMP names the executable under test (ctest sets it).
"""

import io
import json
import os
import random
import struct
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from image_stages import dump, reference_rgb
from PIL import Image

SUITES = os.environ.get("CATWALK_SUITES")
needs_suites = pytest.mark.skipif(not SUITES, reason="SKIPPED: CATWALK_SUITES is not set, no third-party pictures")

ERRORS = {"not_an_image", "broken_image", "unsupported_image", "too_large"}
SUPPORTED = {"jpeg", "png", "webp"}


def manifest(sniff=None, kind=None):
    items = json.loads(Path(SUITES, "images/manifest.json").read_text())["items"]
    return [i for i in items if (not sniff or i["sniff"] in sniff) and (not kind or i["class"] == kind)]


def path_of(item):
    return Path(SUITES, "images", item["path"])


@needs_suites
def test_valid_pictures_decode_to_pillows_pixels(tmp_path):
    items = manifest(sniff=SUPPORTED, kind="valid")
    assert len(items) >= 300
    for item, stage in zip(items, dump([path_of(i) for i in items], tmp_path)):
        assert stage.error is None, stage.error
        assert [stage.rgb.shape[1], stage.rgb.shape[0]] == item["size"], item["path"]
        assert np.array_equal(stage.rgb, reference_rgb(stage.path)) or (
            np.abs(stage.rgb.astype(int) - reference_rgb(stage.path)).max() <= 1
        ), item["path"]


@needs_suites
def test_broken_pictures_end_as_errors(tmp_path):
    items = manifest(kind="broken")
    assert len(items) >= 19
    for stage in dump([path_of(i) for i in items], tmp_path):
        assert stage.error is not None, stage.path
        assert stage.error["code"] in ERRORS
        assert str(stage.path) in stage.error["message"]


@needs_suites
def test_every_file_ends_one_way_or_the_other(tmp_path):
    """Whatever the manifest calls them: none crashes, and formats that are not decoded are named."""
    items = manifest()
    for item, stage in zip(items, dump([path_of(i) for i in items], tmp_path)):
        if stage.error and item["sniff"] == "avif":
            assert stage.error["code"] == "unsupported_image" and "AVIF" in stage.error["message"]


@needs_suites
@pytest.mark.parametrize("sniff", sorted(SUPPORTED))
def test_pictures_that_break_off_are_broken(sniff, tmp_path):
    """Cut anywhere within the pixels' data, a picture is an error, never a half of it."""
    rng = random.Random(20)
    items = [i for i in manifest(sniff={sniff}, kind="valid") if i["bytes"] > 2000][:40]
    files = []
    for item in items:
        data = path_of(item).read_bytes()
        for part in (0.2, 0.5, 0.9, rng.random()):
            cut = data[: int(len(data) * part)]
            if (sniff == "png" and b"IDAT" not in cut) or len(cut) < 12:
                continue
            files.append(tmp_path / f"{len(files)}-{part:.2f}-{path_of(item).name}")
            files[-1].write_bytes(cut)
    assert len(files) >= 40
    complete = 0
    for stage in dump(files, tmp_path):
        if stage.error is None:
            # All pixels may stand before what is cut: metadata at the end. Then they must all be right.
            assert np.array_equal(stage.rgb, reference_rgb(stage.path)), stage.path
            complete += 1
        else:
            assert stage.error["code"] == "broken_image", stage.error
    assert complete <= 0.1 * len(files)


@needs_suites
def test_flipped_bits_never_crash(tmp_path):
    rng = random.Random(21)
    items = [i for i in manifest(kind="valid") if i["bytes"] < 300_000]
    files = []
    for n in range(600):
        data = bytearray(path_of(rng.choice(items)).read_bytes())
        for _ in range(rng.choice([1, 1, 2, 8, 64])):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        files.append(tmp_path / f"{n}.damaged")
        files[-1].write_bytes(data)
    ends = Counter(s.error["code"] if s.error else "decoded" for s in dump(files, tmp_path))
    assert set(ends) <= ERRORS | {"decoded"}
    assert ends["broken_image"] > 50 and ends["decoded"] > 50


def png_claiming(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"\0" * 100_000)) + chunk(b"IEND", b""))


def jpeg_claiming(width, height, **options):
    out = io.BytesIO()
    Image.new("RGB", (16, 16)).save(out, "JPEG", **options)
    data = bytearray(out.getvalue())
    frame = data.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_claiming(width, height):
    out = io.BytesIO()
    Image.new("RGB", (16, 16)).save(out, "WEBP", quality=80)
    data = bytearray(out.getvalue())
    frame = data.index(b"\x9d\x01\x2a") + 3
    data[frame : frame + 4] = struct.pack("<HH", width, height)
    return bytes(data)


@pytest.mark.parametrize(
    ("claim", "data"),
    [
        ("60000x60000", png_claiming(60000, 60000)),
        ("2147483647x2147483647", png_claiming(2147483647, 2147483647)),
        ("60000x60000", jpeg_claiming(60000, 60000)),
        ("60000x60000", jpeg_claiming(60000, 60000, progressive=True)),
        ("65535x65535", jpeg_claiming(65535, 65535)),
        ("16383x16383", webp_claiming(16383, 16383)),
    ],
)
def test_bombs_are_refused_from_the_header(claim, data, tmp_path):
    bomb = tmp_path / "bomb"
    bomb.write_bytes(data)
    [stage] = dump([bomb], tmp_path)
    assert stage.error is not None
    assert stage.error["code"] == "too_large", stage.error
    assert claim in stage.error["message"]


def test_memory_cap_counts_what_the_codec_needs(tmp_path):
    """A progressive JPEG holds its coefficients beside the pixels: 3 bytes a pixel are not enough for it."""
    image = Image.effect_mandelbrot((1500, 1500), (-2, -1.5, 1, 1.5), 50).convert("RGB")
    plain, progressive = tmp_path / "plain.jpg", tmp_path / "progressive.jpg"
    image.save(plain, subsampling=0)
    image.save(progressive, subsampling=0, progressive=True)
    within, beyond = dump([plain, progressive], tmp_path, max_memory=1500 * 1500 * 3 + 1_000_000)
    assert within.error is None
    assert beyond.error["code"] == "too_large"
