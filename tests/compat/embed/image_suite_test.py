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
from picture_formats import bmp, bmps, gif, gifs, noise, palette, rows
from PIL import Image

SUITES = os.environ.get("CATWALK_SUITES")
needs_suites = pytest.mark.skipif(not SUITES, reason="SKIPPED: CATWALK_SUITES is not set, no third-party pictures")

ERRORS = {"not_an_image", "broken_image", "unsupported_image", "too_large"}
SUPPORTED = {"jpeg", "png", "webp", "avif"}


def manifest(sniff=None, kind=None):
    items = json.loads(Path(SUITES, "images/manifest.json").read_text())["items"]
    return [i for i in items if (not sniff or i["sniff"] in sniff) and (not kind or i["class"] == kind)]


# What is wrong in these is beside the picture, which decodes: the numbers of a gain map, which nothing here reads.
DAMAGED_BESIDE_THE_PICTURE = {"seine_sdr_gainmap_gammazero.avif",
                              "supported_gainmap_writer_version_with_extra_bytes.avif"}
# Debian's libavif 0.11 would put the tiles of this grid in the wrong places: it is refused instead.
REORDERED_GRID = "sofa_grid1x5_420_reversed_dimg_order.avif"


def path_of(item):
    return Path(SUITES, "images", item["path"])


@needs_suites
def test_valid_pictures_decode_to_pillows_pixels(tmp_path):
    items = [i for i in manifest(kind="valid") if Path(i["path"]).name != REORDERED_GRID]
    assert len(items) >= 379
    for item, stage in zip(items, dump([path_of(i) for i in items], tmp_path)):
        assert stage.error is None, stage.error
        assert [stage.rgb.shape[1], stage.rgb.shape[0]] == item["size"], item["path"]
        assert np.array_equal(stage.rgb, reference_rgb(stage.path)) or (
            np.abs(stage.rgb.astype(int) - reference_rgb(stage.path)).max() <= 1
        ), item["path"]


@pytest.mark.parametrize("pictures", [gifs, bmps])
def test_variants_decode_to_pillows_pixels(pictures, tmp_path):
    made = pictures()
    files = []
    for name, data in made.items():
        files.append(tmp_path / f"{name}.{pictures.__name__[:3]}")
        files[-1].write_bytes(data)
    for stage in dump(files, tmp_path):
        assert stage.error is None, stage.error
        assert np.array_equal(stage.rgb, reference_rgb(stage.path)), stage.path


@pytest.mark.parametrize("pictures", [gifs, bmps])
def test_variants_that_break_off_are_broken(pictures, tmp_path):
    """A byte is missing at the end of the pixels, a half, or nearly all."""
    files = []
    for name, data in pictures().items():
        if "animated" in name:
            continue  # its first frame may stand before the cut
        end = data.rindex(b"\0;") if pictures is gifs else 0
        if pictures is bmps:
            end = len(data) - (4 if "rle" in name else 3 if "v2" not in name else 4)
        for part in (end - 2, end // 2 + 30, 40):
            files.append(tmp_path / f"{part}-{name}.{pictures.__name__[:3]}")
            files[-1].write_bytes(data[:part])
    for stage in dump(files, tmp_path):
        assert stage.error is not None, stage.path
        assert stage.error["code"] in {"broken_image", "not_an_image"}, stage.error


def test_run_lengths_that_end_early_are_broken(tmp_path):
    (tmp_path / "a.bmp").write_bytes(bmp(9, 9, 8, b"\x09\x01\0\0\0\1", palette(4), compression=1))
    [stage] = dump([tmp_path / "a.bmp"], tmp_path)
    assert stage.error["code"] == "broken_image" and "end early" in stage.error["message"]
    with pytest.raises(ValueError):
        reference_rgb(tmp_path / "a.bmp")


@needs_suites
def test_broken_pictures_end_as_errors(tmp_path):
    items = [i for i in manifest(kind="broken") if path_of(i).name not in DAMAGED_BESIDE_THE_PICTURE]
    assert len(items) >= 17
    for stage in dump([path_of(i) for i in items], tmp_path):
        assert stage.error is not None, stage.path
        assert stage.error["code"] in ERRORS
        assert str(stage.path) in stage.error["message"]


@needs_suites
def test_every_file_ends_one_way_or_the_other(tmp_path):
    """Whatever the manifest calls them: none crashes, and an error says which file and why."""
    items = manifest()
    for item, stage in zip(items, dump([path_of(i) for i in items], tmp_path)):
        if stage.error:
            if item["class"] == "valid":
                assert stage.path.name == REORDERED_GRID and stage.error["code"] == "unsupported_image", stage.error
            assert stage.error["code"] in ERRORS
            assert str(stage.path) in stage.error["message"]


@needs_suites
@pytest.mark.parametrize("sniff", sorted(SUPPORTED))
def test_pictures_that_break_off_are_broken(sniff, tmp_path):
    """Cut anywhere within the pixels' data, a picture is an error, never a half of it."""
    rng = random.Random(20)
    items = [i for i in manifest(sniff={sniff}, kind="valid")
             if i["bytes"] > 2000 and path_of(i).name != REORDERED_GRID][:40]
    files, whole = [], []
    for item in items:
        data = path_of(item).read_bytes()
        for part in (0.2, 0.5, 0.9, rng.random()):
            cut = data[: int(len(data) * part)]
            if (sniff == "png" and b"IDAT" not in cut) or len(cut) < 12:
                continue
            files.append(tmp_path / f"{len(files)}-{part:.2f}-{path_of(item).name}")
            files[-1].write_bytes(cut)
            whole.append(path_of(item))
    assert len(files) >= 40
    complete = 0
    for stage, original in zip(dump(files, tmp_path), whole):
        if stage.error is None:
            # All pixels may stand before what is cut: metadata at the end, further frames, a gain map. Then they
            # must all be right.
            assert np.array_equal(stage.rgb, reference_rgb(original)), stage.path
            complete += 1
        else:
            assert stage.error["code"] == "broken_image", stage.error
    assert complete <= (0.25 if sniff == "avif" else 0.1) * len(files)


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


def avif_claiming(width, height):
    out = io.BytesIO()
    Image.new("RGB", (16, 16)).save(out, "AVIF")
    data = bytearray(out.getvalue())
    at = data.index(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", width, height)
    return bytes(data)


def gif_claiming(width, height):
    return gif((width, height), (0, 0, 8, 8), noise(8, 8, 16), palette(16))


def bmp_claiming(width, height):
    return bmp(width, height, 8, rows(noise(8, 8, 16), 8, 8), palette(16))


@pytest.mark.parametrize(
    ("claim", "data"),
    [
        ("60000x60000", gif_claiming(60000, 60000)),
        ("60000x60000", bmp_claiming(60000, 60000)),
        ("2147483647x2000000000", bmp_claiming(2147483647, 2000000000)),
        ("60000x60000", avif_claiming(60000, 60000)),
        ("16000x16000", avif_claiming(16000, 16000)),
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


def test_what_is_no_picture_is_named(tmp_path):
    svg = b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    found = {"a.svg": (svg, "SVG"), "b.svg": (b"<svg viewBox='0 0 1 1'/>", "SVG"),
             "a.mp4": (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", "video"),
             "a.webm": (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01webm", "video"),
             "a.avi": (b"RIFF\x24\0\0\0AVI LIST", "video"),
             "a.ts": (b"#EXTM3U\n#EXT-X-VERSION:3\n", "EXTM3U"),
             "a.html": (b"\n\n<!doctype html><html><body>403</body></html>", "HTML"),
             "a.txt": (b"Error", "Error"), "empty": (b"", "0 bytes")}
    files = []
    for name, (data, _) in found.items():
        files.append(tmp_path / name)
        files[-1].write_bytes(data)
    for stage, (_, words) in zip(dump(files, tmp_path), found.values()):
        assert stage.error["code"] == "not_an_image", stage.error
        assert "not an image" in stage.error["message"] and words in stage.error["message"], stage.error


def test_memory_cap_counts_what_the_codec_needs(tmp_path):
    """A progressive JPEG holds its coefficients beside the pixels: 3 bytes a pixel are not enough for it."""
    image = Image.effect_mandelbrot((1500, 1500), (-2, -1.5, 1, 1.5), 50).convert("RGB")
    plain, progressive = tmp_path / "plain.jpg", tmp_path / "progressive.jpg"
    image.save(plain, subsampling=0)
    image.save(progressive, subsampling=0, progressive=True)
    within, beyond = dump([plain, progressive], tmp_path, max_memory=1500 * 1500 * 3 + 1_000_000)
    assert within.error is None
    assert beyond.error["code"] == "too_large"
