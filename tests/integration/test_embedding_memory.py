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
from tests.support.word_model import write_word_model

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


def test_batches_of_every_size_take_little_more_than_those_of_few(catwalk, models, archive, workdir):
    """oneDNN keeps what it compiles for each size of a forward pass."""
    assert catwalk("model", "import", archive, "--name", "small").code == 0
    bench = ("model", "bench", "small", "--precision", "fp32", "--each", "20ms", "--batch")
    peaks = []
    for sizes in ([32], range(1, 33)):
        code, said, peak = measured(workdir, *bench, ",".join(map(str, sizes)), timeout=300)
        assert code == 0, said
        peaks.append(peak)
    counted("memory over sizes of a batch", sizes=32, resident_MB=f"{peaks[0] / MB:.0f} to {peaks[1] / MB:.0f}")
    assert peaks[1] - peaks[0] < 75 * MB


def test_texts_of_every_length_take_little_more_than_those_of_one(catwalk, models, workdir):
    (workdir / "words").mkdir()
    write_word_model(workdir / "words", patch_size=32)
    assert catwalk("model", "import", workdir / "words", "--name", "words").code == 0
    peaks = []
    for lengths in ([1] * 70, range(1, 71)):
        texts = [argument for length in lengths for argument in ("--text", "a " * length)]
        output = workdir / "vectors.jsonl"
        code, said, peak = measured(workdir, "embed", "--model", "words", *texts, "--output", output, timeout=300)
        assert code == 0, said
        output.unlink()
        peaks.append(peak)
    counted("memory over lengths of a text", lengths=70, resident_MB=f"{peaks[0] / MB:.0f} to {peaks[1] / MB:.0f}")
    assert peaks[1] - peaks[0] < 50 * MB


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


def with_record(archive, target, write, name="data.pkl"):
    """The archive with another record: by default, the list of its tensors."""
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename.split("/", 1)[1] == name:
                with new.open(entry.filename, "w", force_zip64=True) as file:
                    write(file)
            else:
                new.writestr(entry.filename, old.read(entry), zipfile.ZIP_STORED)
    return target


def zeros(file):
    for _ in range(400):
        file.write(bytes(MB))


def an_archive_that_inflates(folder, archive):
    return with_record(archive, folder / "bomb.pt", zeros)


def a_version_that_inflates(folder, archive):
    """Torch reads it before anything else."""
    return with_record(archive, folder / "version.pt", zeros, name="version")


def pickled(opcodes):
    return lambda file: file.write(b"\x80\x02" + opcodes + b".")


def a_pickled_text_of_four_gigabytes(folder, archive):
    return with_record(archive, folder / "text.pt", pickled(b"X\xff\xff\xff\xffabc"))


def a_pickle_of_nested_lists(folder, archive):
    return with_record(archive, folder / "lists.pt", pickled(b"(" * 20 * MB))


def a_pickle_of_nested_tuples(folder, archive):
    """Torch destroys them by recursion."""
    return with_record(archive, folder / "tuples.pt", pickled(b")" + b"\x85" * 400_000))


def a_memo_of_two_gigabytes(folder, archive):
    return with_record(archive, folder / "memo.pt", pickled(b"Nr\xff\xff\xff\x07"))


def one_record_read_a_thousand_times(folder, archive):
    """Ten megabytes of the archive's own."""
    with zipfile.ZipFile(archive) as zipped:
        largest = max(zipped.infolist(), key=lambda entry: entry.file_size)
    key, halves = largest.filename.rsplit("/", 1)[1].encode(), largest.file_size // 2
    named = b"(X\x07\0\0\0storagectorch\nHalfStorage\nX" + struct.pack("<I", len(key)) + key
    storage = named + b"X\x03\0\0\0cpuJ" + struct.pack("<i", halves) + b"tQ"
    return with_record(archive, folder / "again.pt", pickled(storage * 1000))


def a_tensor_longer_than_its_data(folder, archive):
    def lengthened(file):
        with zipfile.ZipFile(archive) as zipped:
            own = next(zipped.read(name) for name in zipped.namelist() if name.endswith("/data.pkl"))
        # How many elements a record has, and the end of its description.
        at = next(at for at in range(len(own)) if own[at : at + 1] == b"J" and own[at + 5 : at + 7] == b"tQ")
        file.write(own[: at + 1] + struct.pack("<i", 2**31 - 1) + own[at + 5 :])

    return with_record(archive, folder / "longer.pt", lengthened)


def twenty_gigabytes_of_nothing(folder, _):
    with open(folder / "zeros.pt", "wb") as file:
        file.truncate(20_000 * MB)
    return folder / "zeros.pt"


HOSTILE = [
    a_header_of_a_terabyte,
    a_header_that_is_most_of_a_large_file,
    a_header_of_nested_objects,
    a_shape_that_overflows,
    a_tensor_beyond_the_end,
    a_configuration_of_half_a_gigabyte,
    an_archive_that_inflates,
    a_version_that_inflates,
    a_pickled_text_of_four_gigabytes,
    a_pickle_of_nested_lists,
    a_pickle_of_nested_tuples,
    a_memo_of_two_gigabytes,
    one_record_read_a_thousand_times,
    a_tensor_longer_than_its_data,
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
