"""Any TorchScript module as a model: its vectors are torch's own, and what is no image tower is refused by what it does."""

import json
import zipfile

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from tests.support.zara_shop import ZaraShop

MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.3, 0.2)
SIZE, DIM = 64, 48


class Tower(torch.nn.Module):
    """Convolutions, a batch norm with numbers of its own, and a list of tensors that is no parameter."""

    def __init__(self, seed=3, dim=DIM):
        super().__init__()
        random = torch.Generator().manual_seed(seed)
        self.first = torch.nn.Conv2d(3, 16, 8, stride=4)
        self.norm = torch.nn.BatchNorm2d(16)
        self.second = torch.nn.Conv2d(16, 32, 3, stride=2)
        self.last = torch.nn.Linear(32, dim)
        self.slopes = [torch.tensor(0.7), torch.tensor(1.3)]
        with torch.no_grad():
            for tensor in (*self.parameters(), self.norm.running_mean):
                tensor.copy_(torch.randn(tensor.shape, generator=random) * 0.2)
            self.norm.running_var.fill_(1.5)

    def forward(self, x):
        x = torch.nn.functional.gelu(self.norm(self.first(x))) * self.slopes[0]
        x = torch.nn.functional.gelu(self.second(x)) * self.slopes[1]
        return self.last(x.mean([2, 3]))


def archive(file, module=None, traced=False):
    module = (module or Tower()).eval()
    made = torch.jit.trace(module, torch.rand(2, 3, SIZE, SIZE)) if traced else torch.jit.script(module)
    made.save(str(file))
    return file


def numbers(values):
    return ",".join(str(value) for value in values)


def described(dim=DIM, size=SIZE, mean=MEAN, std=STD):
    return ("--dim", dim, "--image-size", size, "--mean", numbers(mean), "--std", numbers(std))


@pytest.fixture
def models(tmp_path):
    folder = tmp_path / "models"
    settings = {"state": {"dir": str(tmp_path / "state")}, "embed": {"models_dir": str(folder), "model": "mine"}}
    (tmp_path / "catwalk.yaml").write_text(yaml.safe_dump(settings))
    return folder


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    random = np.random.default_rng(5)
    for i, shape in enumerate([(90, 120), (200, 70), (64, 64)]):
        coarse = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(shape, Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    return folder


def pixels_of(file, filter_, crop):
    image = Image.open(file).convert("RGB")
    width, height = image.size
    if crop:
        short = min(width, height)
        size = (SIZE * width // short, SIZE * height // short)
        image = image.resize(size, filter_)
        left, top = (size[0] - SIZE) // 2, (size[1] - SIZE) // 2
        image = image.crop((left, top, left + SIZE, top + SIZE))
    else:
        image = image.resize((SIZE, SIZE), filter_)
    return np.asarray(image).transpose(2, 0, 1)


@torch.no_grad()
def torchs_own(module, pictures, filter_=Image.Resampling.BICUBIC, crop=True):
    pixels = np.stack([pixels_of(f, filter_, crop) for f in sorted(pictures.iterdir())])
    x = torch.as_tensor(pixels).float() / 255
    x = (x - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    vectors = module.eval()(x).numpy()
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def vectors(done):
    assert done.code == 0, done
    return np.array([json.loads(line)["embedding"] for line in done.out.splitlines()])


@pytest.mark.parametrize("traced", [False, True])
def test_its_vectors_are_torchs_own(catwalk, models, pictures, tmp_path, traced):
    done = catwalk("model", "import", archive(tmp_path / "m.pt", traced=traced), "--name", "mine", *described())
    assert done.code == 0, done
    assert "embeds pictures alone" in done.err
    ours = vectors(catwalk("embed", "pictures"))
    theirs = torchs_own(Tower(), pictures)
    assert np.abs(ours - theirs).max() < 1e-5
    assert abs((theirs @ theirs.T)[np.triu_indices(3, 1)]).min() < 0.999, "the pictures tell nothing"


def test_other_ways_of_resizing(catwalk, models, pictures, tmp_path):
    file = archive(tmp_path / "m.pt")
    more = ("--resample", "bilinear", "--crop", "none")
    assert catwalk("model", "import", file, "--name", "mine", *described(), *more).code == 0
    theirs = torchs_own(Tower(), pictures, Image.Resampling.BILINEAR, crop=False)
    assert np.abs(vectors(catwalk("embed", "pictures")) - theirs).max() < 1e-5


def test_half_weights_are_widened(catwalk, models, pictures, tmp_path):
    """A module stored in fp16 is computed in fp32, and is the same model as its widened weights."""
    half = Tower().half()
    assert catwalk("model", "import", archive(tmp_path / "h.pt", half), "--name", "mine", *described()).code == 0
    theirs = torchs_own(Tower().half().float(), pictures)
    assert np.abs(vectors(catwalk("embed", "pictures")) - theirs).max() < 1e-5
    wide = archive(tmp_path / "w.pt", Tower().half().float())
    assert catwalk("model", "import", wide, "--name", "wide", *described()).code == 0
    stored = {m["name"]: m for m in catwalk("model", "list", "--json").json}
    assert stored["mine"]["fingerprint"] == stored["wide"]["fingerprint"]


def test_listed_verified_and_removed(catwalk, models, tmp_path):
    for name, module in (("a", Tower()), ("b", Tower(seed=4))):
        done = catwalk("model", "import", archive(tmp_path / f"{name}.pt", module), *described())
        assert done.code == 0, done
    other = Tower()
    other.slopes = [torch.tensor(0.7), torch.tensor(1.4)]
    assert catwalk("model", "import", archive(tmp_path / "c.pt", other), *described()).code == 0
    assert catwalk("model", "import", tmp_path / "a.pt", "--name", "d", *described(mean=(0, 0, 0))).code == 0
    stored = {m["name"]: m for m in catwalk("model", "list", "--json").json}
    assert stored["a"]["architecture"] == f"torchscript-{SIZE}"
    assert stored["a"]["dim"] == DIM and stored["a"]["image_size"] == SIZE
    assert len({m["fingerprint"] for m in stored.values()}) == 4, "weights, other tensors and the mean count"
    assert "ok" in catwalk("model", "verify").out
    # Torch does not look at a zip's checksums: one weight that differs shows in the fingerprint alone.
    stored_file = models / "a" / "module.pt"
    body = bytearray(stored_file.read_bytes())
    with zipfile.ZipFile(stored_file) as zipped:
        largest = max(zipped.infolist(), key=lambda entry: entry.file_size)
    body[largest.header_offset + 300] ^= 1
    stored_file.write_bytes(body)
    done = catwalk("model", "verify", "a")
    assert done.code == 1 and "does not match its fingerprint" in done.err, done
    # Another program in its place.
    archive(models / "b" / "module.pt", Tower(seed=4), traced=True)
    done = catwalk("model", "verify", "b")
    assert done.code == 1 and "not the one that was imported" in done.err, done
    assert catwalk("model", "remove", "a").code == 0
    assert not (models / "a").exists()


def test_vectors_that_keep_their_length(catwalk, models, pictures, tmp_path):
    """As tables of February 2026 hold them."""
    assert catwalk("model", "import", archive(tmp_path / "m.pt"), "--name", "mine", *described()).code == 0
    settings = yaml.safe_load((tmp_path / "catwalk.yaml").read_text()) | {"sink": {"layout": "2026-02"}}
    (tmp_path / "catwalk.yaml").write_text(yaml.safe_dump(settings))
    ours = vectors(catwalk("embed", "pictures"))
    lengths = np.linalg.norm(ours, axis=1, keepdims=True)
    assert np.abs(lengths - 1).max() > 0.01
    assert np.abs(ours / lengths - torchs_own(Tower(), pictures)).max() < 1e-5


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_other_precisions_are_refused(catwalk, models, pictures, tmp_path, precision):
    assert catwalk("model", "import", archive(tmp_path / "m.pt"), "--name", "mine", *described()).code == 0
    done = catwalk("embed", "pictures", "--precision", precision)
    assert done.code != 0, done
    assert precision in done.err and "fp32" in done.err


class TwoArguments(torch.nn.Module):
    def forward(self, x, text):
        return x.mean([2, 3]) + text


class Pair(torch.nn.Module):
    def forward(self, x):
        return x, x


class Wide(torch.nn.Module):
    def forward(self, x):
        return x[:, :, 0, :16].reshape(x.size(0), 48) * float("nan")


class Square(torch.nn.Module):
    def forward(self, x):
        return x.mean(1)


class Whole(torch.nn.Module):
    def forward(self, x):
        return (x[:, :, 0, :16].reshape(x.size(0), 48) * 9).long()


class Single(torch.nn.Module):
    def forward(self, x):
        return x[:, :, 0, :16].reshape(1, 48)


class Mixing(torch.nn.Module):
    def forward(self, x):
        flat = x[:, :, 0, :16].reshape(x.size(0), 48)
        return flat - 0.9 * flat.mean(0, keepdim=True)


class Writer(torch.nn.Module):
    def forward(self, x):
        torch.save(x, "/tmp/written-by-a-model")
        return x[:, :, 0, :16].reshape(x.size(0), 48)


class HalfInside(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = [torch.randn(48, 48).half()]

    def forward(self, x):
        return torch.mm(x[:, :, 0, :16].reshape(x.size(0), 48), self.weights[0])


@pytest.mark.parametrize(
    "module, more, says",
    [
        (TwoArguments(), {}, "text: Tensor), not one batch of pictures"),
        (Pair(), {}, "not one tensor"),
        (Tower(dim=50), {}, "gives [2, 50] where [2, 48] is expected"),
        (Tower(), {"size": 6}, "fails on fp32 pictures of [1, 3, 6, 6]"),
        (Wide(), {}, "not finite"),
        (Square(), {}, "gives [1, 64, 64] where [1, 48]"),
        (Whole(), {}, "numbers are of the type Long"),
        (Single(), {}, "without a fixed batch size"),
        (Mixing(), {}, "depends on the other pictures"),
        (Writer(), {}, "torch.save"),
        (HalfInside(), {}, "half precision"),
    ],
)
def test_what_is_no_image_tower_is_refused(catwalk, models, tmp_path, module, more, says):
    says = says.replace("[2, 50] where [2, 48]", "[1, 50] where [1, 48]")
    done = catwalk("model", "import", archive(tmp_path / "m.pt", module), "--name", "mine", *described(**more))
    assert done.code == 1, done
    assert says in done.err and "m.pt" in done.err, done
    assert not models.exists() or not list(models.iterdir())


def test_quantised_modules_are_refused(catwalk, models, tmp_path):
    class Quantised(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("levels", torch.quantize_per_tensor(torch.rand(4), 0.1, 0, torch.quint8))

        def forward(self, x):
            return x[:, :, 0, :16].reshape(x.size(0), 48) + self.levels.dequantize()[0]

    done = catwalk("model", "import", archive(tmp_path / "m.pt", Quantised()), "--name", "mine", *described())
    assert done.code == 1 and "QUInt8" in done.err, done


def test_cut_files_are_refused(catwalk, models, tmp_path):
    body = archive(tmp_path / "m.pt").read_bytes()
    for size in (0, 1, 30, len(body) // 3, len(body) - 2000, len(body) - 1):
        (tmp_path / "cut.pt").write_bytes(body[:size])
        done = catwalk("model", "import", "cut.pt", "--name", "mine", *described())
        assert done.code == 1 and "cut.pt" in done.err and "catwalk: " in done.err, (size, done)
    torch.save({"x": torch.rand(3)}, tmp_path / "pickle.pt")
    done = catwalk("model", "import", "pickle.pt", "--name", "mine", *described())
    assert done.code == 1 and "pickle" in done.err, done
    assert catwalk("model", "import", tmp_path, "--name", "mine", *described()).code == 1


def test_what_an_archive_claims_is_not_believed(catwalk, models, tmp_path):
    """Torch reads beyond a tensor's data; more of the kind is in test_embedding_memory.py."""
    with zipfile.ZipFile(archive(tmp_path / "m.pt")) as good, zipfile.ZipFile(tmp_path / "bad.pt", "w") as bad:
        for entry in good.infolist():
            body = good.read(entry)
            if entry.filename.endswith("/data.pkl"):
                # The first convolution's 16 biases, as 200.
                assert b"K\x10tQ" in body
                body = body.replace(b"K\x10tQ", b"K\xc8tQ")
            bad.writestr(entry.filename, body)
    done = catwalk("model", "import", "bad.pt", "--name", "mine", *described())
    assert done.code == 1, done
    assert "bad.pt: m/data.pkl: a tensor's data are said to be 200 elements of 4 bytes" in done.err, done


@pytest.mark.parametrize(
    "arguments, code, says",
    [
        ((), 1, "--dim --image-size --mean --std"),
        (("--dim", 48), 2, "--image-size"),
        (described(mean=(0.5, 0.5)), 2, "--mean"),
        (described(std=(0.5, 0, 0.5)), 2, "--std"),
        (described(dim=0), 2, "--dim"),
        (described(size=5000), 2, "--image-size"),
        ((*described(), "--crop", "left"), 2, "--crop"),
        ((*described(), "--calibrate", "."), 2, "fp32"),
    ],
)
def test_wrong_usage(catwalk, models, tmp_path, arguments, code, says):
    done = catwalk("model", "import", archive(tmp_path / "m.pt"), "--name", "mine", *arguments)
    assert done.code == code, done
    assert says in done.err


def test_a_run_embeds_with_it(catwalk, configure, models, tmp_path):
    """From a shop's pictures to the catalogue, under its fingerprint."""
    assert catwalk("model", "import", archive(tmp_path / "m.pt"), "--name", "mine", *described()).code == 0
    with ZaraShop(6, page_size=6) as shop:
        configure(shop, embed={"models_dir": str(models), "model": "mine"})
        done = catwalk("scrape", "--output", "rows.jsonl")
        assert done.code == 0, done
        rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
        assert len(rows) == 6
        again = vectors(catwalk("embed", *(row["image_url"] for row in rows)))
    stored = np.array([row.get("embedding") or row["image_embedding"] for row in rows])
    assert stored.shape == (6, DIM)
    assert np.abs(stored - again).max() < 1e-5
