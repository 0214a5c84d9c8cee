"""Pictures and model files take no more memory the more there are of them, or the more they claim to hold. Short by
default; CATWALK_LONG=1 runs the long form (`scripts/soak memory`)."""

import json
import os
import shutil
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.integration.test_model import huge_shape, outside, with_header
from tests.support.figures import counted
from tests.support.peak_memory import measured
from tests.support.small_clip import (  # noqa: F401
    archive,
    clip,
    hugging_face,
    left_in,
    models,
    published_folder,
)

LONG = os.environ.get("CATWALK_LONG") == "1"
MB = 1_000_000


def write_pictures(folder, count, side):
    """A folder of so many; they are few files by many names."""
    folder.mkdir()
    originals = []
    for number in range(16):
        rough = np.random.default_rng(number).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        original = folder.parent / f"{folder.name}-{number}.png"
        Image.fromarray(rough).resize((side, side)).save(original)
        originals.append(original)
    for number in range(count):
        os.link(originals[number % len(originals)], folder / f"{number:06}.png")


def test_memory_is_flat_over_many_pictures(catwalk, models, archive, workdir):
    """Many small ones, so that what is kept of each shows, its vector of 2 kB too; in the short form fewer, each a
    megabyte of pixels, so that pixels or tensors that are kept do."""
    some, many, side, grows_at_most = (2_000, 20_000, 64, 20 * MB) if LONG else (200, 800, 600, 120 * MB)
    assert catwalk("model", "import", archive, "--name", "small").code == 0
    peaks = []
    for count in (some, many):
        folder = workdir / f"pictures-{count}"
        write_pictures(folder, count, side)
        output = workdir / f"{count}.jsonl"
        arguments = ("embed", folder, "--model", "small", "--precision", "fp32", "--output", output)
        code, said, peak = measured(workdir, *arguments, timeout=3600)
        assert code == 0, said
        with open(output, encoding="utf-8") as lines:
            assert sum("embedding" in json.loads(line) for line in lines) == count
        peaks.append(peak)
        shutil.rmtree(folder)
        output.unlink()
    grown = peaks[1] - peaks[0]
    counted(
        "memory over many pictures",
        pictures=many,
        resident_MB=f"{peaks[0] / MB:.0f} to {peaks[1] / MB:.0f}",
        bytes_a_picture=round(grown / (many - some)),
    )
    assert grown < grows_at_most


def safetensors(folder, header_size, header=b"{", file_size=None):
    """Weights whose header claims to have that size; what is not written of the file takes no room on the disk."""
    weights = folder / "model.safetensors"
    with open(weights, "wb") as file:
        file.write(struct.pack("<Q", header_size) + header)
        if file_size is not None:
            file.truncate(file_size)
    return folder


def a_header_of_a_terabyte(folder, _):
    return safetensors(folder, 2**40)


def a_header_that_is_most_of_a_large_file(folder, _):
    return safetensors(folder, 600 * MB, file_size=700 * MB)


def a_header_of_nested_objects(folder, _):
    header = b'{"a":' * 400_000
    return safetensors(folder, len(header), header)


def a_shape_that_overflows(folder, _):
    with_header(folder / "model.safetensors", huge_shape)
    return folder


def a_tensor_beyond_the_end(folder, _):
    with_header(folder / "model.safetensors", outside)
    return folder


def a_configuration_of_half_a_gigabyte(folder, _):
    with open(folder / "config.json", "r+b") as file:
        file.truncate(500 * MB)
    return folder


def with_pickle(archive, target, write):
    """The archive with another list of its tensors."""
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename.endswith("data.pkl"):
                with new.open(entry.filename, "w", force_zip64=True) as file:
                    write(file)
            else:
                new.writestr(entry.filename, old.read(entry), zipfile.ZIP_STORED)
    return target


def an_archive_that_inflates(folder, archive):
    def zeros(file):
        for _ in range(400):
            file.write(bytes(MB))

    return with_pickle(archive, folder / "bomb.pt", zeros)


def a_pickled_text_of_four_gigabytes(folder, archive):
    return with_pickle(archive, folder / "text.pt", lambda file: file.write(b"\x80\x02X\xff\xff\xff\xffabc."))


def a_pickle_of_nested_lists(folder, archive):
    return with_pickle(archive, folder / "lists.pt", lambda file: file.write(b"\x80\x02" + b"(" * 20 * MB + b"."))


def twenty_gigabytes_of_nothing(folder, _):
    with open(folder / "zeros.pt", "wb") as file:
        file.truncate(20_000 * MB)
    return folder / "zeros.pt"


def swollen(made):
    return pytest.param(made, marks=pytest.mark.xfail(strict=True, reason="an entry's or a text's length is believed"))


HOSTILE = [
    a_header_of_a_terabyte,
    a_header_that_is_most_of_a_large_file,
    a_header_of_nested_objects,
    a_shape_that_overflows,
    a_tensor_beyond_the_end,
    a_configuration_of_half_a_gigabyte,
    swollen(an_archive_that_inflates),
    swollen(a_pickled_text_of_four_gigabytes),
    swollen(a_pickle_of_nested_lists),
    twenty_gigabytes_of_nothing,
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda made: made.__name__.replace("_", " "))
def test_hostile_model_files_take_no_memory(catwalk, models, hugging_face, archive, workdir, hostile):
    """No more than the good model of 20 MB has, and 100 MB; and it is refused by name."""
    code, said, of_nothing = measured(workdir, "model", "import", workdir / "missing.pt")
    assert code == 1 and "missing.pt" in said
    source = hostile(hugging_face, archive)
    code, said, peak = measured(workdir, "model", "import", source, "--name", "theirs")
    assert code == 1, said
    assert str(source) in said and "terminate called" not in said
    assert left_in(models) == []
    counted(hostile.__name__.replace("_", " "), resident_MB=round((peak - of_nothing) / MB))
    assert peak - of_nothing < 100 * MB
