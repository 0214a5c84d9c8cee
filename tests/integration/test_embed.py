"""`catwalk embed`: pictures from files, folders and addresses to vectors, in order, and errors in their place."""

import http.server
import io
import json
import pathlib
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPModel, CLIPTokenizer

from tests.support.catwalk_binary import free_port, wait_until
from tests.support.loopback_http import LoopbackHttp
from tests.support.word_model import write_word_model


def drawing(number, size=(320, 260)):
    """A picture that has no like among the others."""
    random = np.random.default_rng(number)
    rough = Image.fromarray(random.integers(0, 256, (4, 5, 3), dtype=np.uint8))
    return rough.resize(size, Image.Resampling.BICUBIC)


def encoded(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Six pictures in a folder with a folder in it, named in the order of their numbers."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "b").mkdir()
    for number, name in enumerate(("a.jpg", "b/0.png", "b/1.webp", "c.jpg", "d.jpeg", "e.png")):
        kind = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP"}[name.rsplit(".", 1)[1]]
        (folder / name).write_bytes(
            encoded(drawing(number), kind, **({"lossless": True} if kind == "WEBP" else {}))
        )
    return folder


@pytest.fixture(scope="module")
def clip_with_words(tmp_path_factory):
    return write_word_model(tmp_path_factory.mktemp("clip-with-words"))


@pytest.fixture
def embed(catwalk, configure):
    configure()

    def run(*arguments, env=None):
        return catwalk("embed", "--precision", "fp32", *arguments, env=env)

    return run


def lines(done):
    return [json.loads(line) for line in done.out.splitlines()]


def vectors(done):
    return np.array([line["embedding"] for line in lines(done)])


@pytest.fixture
def web(pictures):
    """Serves the pictures; /missing is 404, /page a page, /cut breaks off."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body, kind, status, claimed = b"", "image/jpeg", 200, None
            if self.path == "/missing.jpg":
                status = 404
            elif self.path == "/page.jpg":
                body, kind = b"<!doctype html><title>consent</title>", "text/html"
            elif self.path == "/cut.jpg":
                body = (pictures / "a.jpg").read_bytes()[:2000]
                claimed = 9000
            else:
                body = (pictures / self.path.lstrip("/")).read_bytes()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(claimed or len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with LoopbackHttp(Handler) as server:
        yield server.url


def test_files_folders_and_addresses_in_their_order(embed, pictures, web):
    inputs = [pictures / "c.jpg", f"{web}/b/0.png", pictures, pictures / "a.jpg", f"{web}/e.png"]
    done = embed(*inputs)
    assert done.code == 0, done
    in_folder = sorted(str(path) for path in pictures.rglob("*") if path.is_file())
    assert len(in_folder) == 6
    assert [line["input"] for line in lines(done)] == [
        str(inputs[0]),
        inputs[1],
        *in_folder,
        str(inputs[3]),
        inputs[4],
    ]
    for line in lines(done):
        assert set(line) == {"input", "embedding", "model", "fingerprint", "untrained"}
        assert (line["model"], line["untrained"]) == ("untrained", True)
        assert len(line["fingerprint"]) == 64
    found = vectors(done)
    assert found.shape == (10, 512)
    assert np.abs(np.linalg.norm(found, axis=1) - 1).max() < 1e-5
    by_name = {line["input"]: line["embedding"] for line in lines(done)}
    folder = np.array([by_name[name] for name in in_folder])
    # What is the same picture has the same vector, whichever way and in whichever batch it came; no two others have.
    at = {
        pathlib.Path(name).relative_to(pictures).as_posix(): row
        for name, row in zip(in_folder, folder, strict=True)
    }
    for row, name in ((0, "c.jpg"), (1, "b/0.png"), (8, "a.jpg"), (9, "e.png")):
        assert found[row] @ at[name] > 0.999999
    alike = folder @ folder.T - 2 * np.eye(6)
    assert alike.max() < 0.9999


def test_lossless_formats_agree(embed, workdir):
    """One picture as PNG, WebP and, nearly, JPEG; grey, with a palette and with alpha it is another or none."""
    picture = drawing(7)
    for kind, options in (
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("JPEG", {"quality": 98, "subsampling": 0}),
    ):
        (workdir / f"p.{kind.lower()}").write_bytes(encoded(picture, kind, **options))
    picture.convert("L").save(workdir / "grey.png")
    picture.convert("RGBA").save(workdir / "alpha.png")
    done = embed("p.png", "p.webp", "p.jpeg", "alpha.png", "grey.png")
    assert done.code == 0, done
    png, webp, jpeg, alpha, grey = vectors(done)
    assert png @ webp > 0.999999
    assert png @ alpha > 0.999999
    assert png @ jpeg > 0.999
    assert png @ grey < 0.999


def png_that_claims(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def jpeg_that_claims(width, height):
    data = bytearray(encoded(drawing(1), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


BAD = {
    "empty.jpg": (b"", "not_an_image", "0 bytes"),
    "page.jpg": (b"<!doctype html><html><body>no</body></html>", "not_an_image", "HTML"),
    "drawing.svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "not_an_image", "SVG"),
    "cut.jpg": (encoded(drawing(1), "JPEG")[:3000], "broken_image", "JPEG"),
    "cut.png": (encoded(drawing(1), "PNG")[:3000], "broken_image", ""),
    "cut.webp": (encoded(drawing(1), "WEBP")[:2000], "broken_image", ""),
    "huge.png": (png_that_claims(60_000, 60_000), "too_large", "pixels"),
    "huge.jpg": (jpeg_that_claims(65_000, 65_000), "too_large", "pixels"),
    "noise.jpg": (bytes(range(256)) * 8, "not_an_image", ""),
    "movie.mp4": (b"\x00\x00\x00\x18ftypmp42" + bytes(100), "not_an_image", ""),
}


def test_bad_pictures_are_errors_in_their_place(embed, workdir):
    (workdir / "good.png").write_bytes(encoded(drawing(3), "PNG"))
    for name, (body, _, _) in BAD.items():
        (workdir / name).write_bytes(body)
    inputs = ["good.png"]
    for name in BAD:
        inputs += [name, "good.png"]
    done = embed(*inputs, "none.png")
    assert done.code == 3, done
    answers = lines(done)
    assert [line["input"] for line in answers] == [*inputs, "none.png"]
    good = [line["embedding"] for line in answers if line["input"] == "good.png"]
    assert len(good) == len(BAD) + 1
    assert all(np.dot(one, good[0]) > 0.999999 for one in good)
    for line in answers:
        if line["input"] not in BAD:
            continue
        _, code, says = BAD[line["input"]]
        assert set(line) == {"input", "error"}
        assert set(line["error"]) == {"code", "message"}
        assert line["error"]["code"] == code, line
        assert says in line["error"]["message"]
        assert line["input"] in line["error"]["message"]
    assert answers[-1]["error"]["code"] == "not_found"


def test_only_bad_pictures_fail(embed, workdir):
    (workdir / "page.jpg").write_bytes(BAD["page.jpg"][0])
    done = embed("page.jpg")
    assert done.code == 1, done
    assert lines(done)[0]["error"]["code"] == "not_an_image"


def test_addresses_that_fail(embed, web, pictures):
    nobody = f"http://127.0.0.1:{free_port()}/a.jpg"
    inputs = [f"{web}/missing.jpg", f"{web}/page.jpg", f"{web}/a.jpg", f"{web}/cut.jpg", nobody]
    done = embed(*inputs)
    assert done.code == 3, done
    answers = lines(done)
    assert [line["input"] for line in answers] == inputs
    missing, page, good, cut, refused = answers
    assert missing["error"]["code"] == "http_status" and "404" in missing["error"]["message"]
    assert page["error"]["code"] == "not_an_image"
    assert len(good["embedding"]) == 512
    assert cut["error"]["code"] in ("network", "broken_image")
    assert refused["error"]["code"] == "network" and nobody in refused["error"]["message"]


def test_private_addresses_need_permission(catwalk, configure, web, pictures):
    configure(fetch={"allow_private_addresses": False})
    done = catwalk("embed", f"{web}/a.jpg", pictures / "a.jpg")
    assert done.code == 3, done
    refused, good = lines(done)
    assert refused["error"]["code"] == "refused_address"
    assert "allow_private_addresses" in refused["error"]["message"]
    assert len(good["embedding"]) == 512


def test_numpy_reads_the_matrix(embed, pictures, workdir):
    (workdir / "page.jpg").write_bytes(BAD["page.jpg"][0])
    inputs = ["page.jpg", pictures, "page.jpg", pictures / "a.jpg"]
    as_lines = embed(*inputs)
    done = embed(*inputs, "--format", "npy", "--output", "vectors.npy")
    assert done.code == as_lines.code == 3, done
    assert done.out == ""
    assert "page.jpg" in done.err
    matrix = np.load(workdir / "vectors.npy")
    assert matrix.dtype == np.float32
    assert matrix.shape == (9, 512)
    for row, line in zip(matrix, lines(as_lines), strict=True):
        if "error" in line:
            assert np.isnan(row).all()
        else:
            assert row @ np.array(line["embedding"]) > 0.999999


def test_output_to_a_file(embed, pictures, workdir):
    done = embed(pictures / "a.jpg", "--output", "v.jsonl")
    assert (done.code, done.out) == (0, "")
    assert len(json.loads((workdir / "v.jsonl").read_text())["embedding"]) == 512
    done = embed(pictures / "a.jpg", "--output", "none/v.jsonl")
    assert done.code == 1, done
    assert "none/v.jsonl" in done.err


def test_bf16_is_near_fp32(catwalk, embed, pictures):
    exact = vectors(embed(pictures))
    done = catwalk("embed", "--precision", "bf16", pictures)
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    if "avx512_bf16" not in flags and "amx_bf16" not in flags:
        assert done.code != 0, done
        assert "bf16" in done.err
        pytest.skip("this CPU is not fast at bf16, and catwalk says so")
    assert done.code == 0, done
    near = vectors(done)
    assert (near * exact).sum(1).min() > 0.999
    assert np.abs(near - exact).max() > 0, "the precision changes nothing: was it used?"


@pytest.mark.parametrize(
    "arguments, says",
    [
        ((), "nothing to embed"),
        (("x.jpg", "--format", "npy"), "--output"),
        (("x.jpg", "--format", "csv"), "csv"),
        (("x.jpg", "--precision", "fp8"), "fp8"),
    ],
)
def test_wrong_usage(catwalk, configure, arguments, says):
    configure()
    done = catwalk("embed", *arguments)
    assert done.code == 2, done
    assert says in done.err
    assert done.out == ""


def test_a_text_of_a_model_without_a_text_tower(embed):
    done = embed("--text", "a red coat")
    assert done.code == 1, done
    assert "embeds no texts" in done.err and "untrained" in done.err
    assert done.out == ""


@pytest.fixture
def words(catwalk, configure, clip_with_words, workdir):
    """A model with a text tower, imported as `words`."""
    configure()
    done = catwalk("model", "import", clip_with_words, "--name", "words")
    assert done.code == 0, done
    return "words"


def test_texts_are_embedded_behind_the_pictures(catwalk, words, pictures, clip_with_words):
    one = pictures / "a.jpg"
    done = catwalk("embed", "--model", words, "--precision", "fp32", one, "--text", "a red coat", "--text", "šaty")
    assert done.code == 0, done
    picture, coat, dress = lines(done)
    assert [picture["input"], coat["input"], dress["input"]] == [str(one), "a red coat", "šaty"]
    assert coat["fingerprint"] == dress["fingerprint"] != picture["fingerprint"]
    model = CLIPModel.from_pretrained(clip_with_words).eval()
    tokenizer = CLIPTokenizer.from_pretrained(clip_with_words)
    with torch.no_grad():
        pooled = [model.text_model(**tokenizer(text, return_tensors="pt")).pooler_output for text in ("a red coat", "šaty")]
        theirs = model.text_projection(torch.cat(pooled)).numpy()
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    assert (np.array([coat["embedding"], dress["embedding"]]) * theirs).sum(1).min() > 0.99999


def test_tokens_as_the_model_sees_them(catwalk, words, clip_with_words):
    expected = CLIPTokenizer.from_pretrained(clip_with_words)("A red coat, size 38").input_ids
    for how in (("--model", words), ("--vocabulary", clip_with_words)):
        done = catwalk("try", "tokenize", "A red coat, size 38", *how)
        assert done.code == 0 and json.loads(done.out) == expected, done
    missing = catwalk("try", "tokenize", "a", "--vocabulary", "nowhere.json")
    assert missing.code == 1 and "nowhere.json" in missing.err
    assert catwalk("model", "verify", words).code == 0


def test_an_empty_folder_is_not_a_success(embed, workdir):
    (workdir / "empty").mkdir()
    done = embed("empty")
    assert done.code == 1, done
    assert "empty" in done.err


def test_it_needs_no_free_state_folder(catwalk, configure, pictures):
    """A daemon that holds the state is no obstacle."""
    values = configure(sites="[]\n")
    catwalk.daemon(values["port"])
    assert catwalk("embed", pictures / "a.jpg").code == 0


def test_an_interrupted_one_ends_at_once(catwalk, configure, pictures):
    configure()
    process = catwalk.begin("embed", *[pictures] * 300)
    try:
        wait_until(lambda: process.out or process.ended is not None, 60)
        assert process.terminate(20) == 130
    finally:
        process.kill()
    written = process.out.splitlines()
    assert len(written) < 1800
    assert all(json.loads(line)["embedding"] for line in written[:-1])
