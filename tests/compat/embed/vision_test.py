"""Importing and the vision tower against transformers' CLIPModel: shapes, names, every stage, the vectors.

CATWALK_VISION_STAGE_DUMP names the executable under test (ctest sets it). Photographs come from CATWALK_SUITES;
without it those tests are skipped and the drawn pictures are still compared.
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from image_stages import reference_input
from PIL import Image
from preprocess_test import drawn, photographs
from safetensors.numpy import load_file, save_file
from vision_models import inject_outliers, openai_archive, reference_stages, reference_vectors, save_vision_only, seeded_clip

NEAR = 1e-4  # of a stage's own size (root mean square), or absolute where that is below 1
COSINE = 0.9999  # after subtracting the set's mean vector: what is common to all images proves nothing
COSINE_BF16 = 0.999
# int8 by the vectors' own cosine: twelve layers of random weights pass rounding on more than trained ones do.
COSINE_INT8 = 0.999
COSINE_INT8_SEVEN_BITS = 0.997  # without VNNI, where weights have 7 bits


def tool(*args, fails=False, env=None):
    run = subprocess.run([os.environ["CATWALK_VISION_STAGE_DUMP"], *map(str, args)], capture_output=True, text=True,
                         timeout=600, env=os.environ | (env or {}))
    assert run.returncode == (1 if fails else 0), run.stderr[-2000:]
    return run.stderr if fails else json.loads(run.stdout or "null")


def fast_bf16():
    flags = Path("/proc/cpuinfo").read_text().split()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def stages(model_dir, precision, pixels, folder, env=None):
    save_file({"pixels": np.ascontiguousarray(pixels)}, folder / "pixels.safetensors")
    tool("stages", model_dir, precision, folder / "pixels.safetensors", folder / "stages.safetensors", env=env)
    found = load_file(folder / "stages.safetensors")
    return [found[name] for name in sorted(found) if name.startswith("stage_")], found["vectors"]


def pool_vectors(model_dir, precision, files, folder, env=None):
    answers = tool("pool", model_dir, precision, folder / "pool.safetensors", *files, env=env)
    assert [a["file"] for a in answers] == [str(f) for f in files]
    return load_file(folder / "pool.safetensors")["vectors"], answers


def same_stages(ours, theirs):
    assert len(ours) == len(theirs)
    for i, (a, b) in enumerate(zip(ours, theirs)):
        assert a.shape == b.shape, f"stage {i}"
        size = max(1.0, float(np.sqrt(np.mean(b.astype(np.float64) ** 2))))
        worst = float(np.abs(a - b).max())
        assert worst <= NEAR * size, f"stage {i}: off by {worst:.2e} where numbers have a size of {size:.2f}"


def centred_cosines(ours, theirs):
    mean = theirs.mean(axis=0)
    a, b = ours - mean, theirs - mean
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def same_vectors(ours, theirs, least=COSINE):
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    worst = centred_cosines(ours, theirs).min()
    assert worst >= least, f"cosine {worst:.6f}"


@pytest.fixture(scope="session")
def model():
    return seeded_clip()


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("vision")


@pytest.fixture(scope="session")
def folder(model, work):
    model.save_pretrained(work / "hub")
    return work / "hub"


@pytest.fixture(scope="session")
def stored(folder, work):
    return tool("import", folder, work / "models", "seeded")


@pytest.fixture(scope="session")
def files(work):
    """At least 20 photographs where there are some, and drawn pictures of odd shapes and pixel layouts."""
    pictures = work / "drawn"
    pictures.mkdir()
    shapes = {"one_pixel.png", "one_wide.png", "one_high.png", "wide_5000.jpg", "high_5000.jpg", "odd_surplus.png",
              "odd_surplus_wide.png", "upscale.png", "grey.jpg", "rgba.png", "palette.png", "cmyk.jpg", "lossy.webp"}
    odd = [f for f in drawn(pictures) if Path(f).name in shapes]
    assert len(odd) == len(shapes)
    photos = [f for f in photographs() if "clip/images" in str(f) or "photos-immich" in str(f)]
    return [Path(f) for f in odd] + photos


@pytest.fixture(scope="session")
def inputs(files):
    return np.stack([reference_input(f) for f in files])


@pytest.fixture(scope="session")
def theirs(model, inputs):
    return reference_vectors(model, inputs)


def test_the_set_is_large_enough(files):
    photos = [f for f in files if f.parent.name != "drawn"]
    if not os.environ.get("CATWALK_SUITES"):
        pytest.skip("SKIPPED: CATWALK_SUITES is not set, no photographs")
    assert len(photos) >= 20


def test_what_import_says(stored):
    assert stored["architecture"] == "clip-vit-b-32"
    assert (stored["dim"], stored["image_size"], stored["untrained"]) == (512, 224, False)


def test_every_stage(model, stored, inputs, work):
    pixels = torch.as_tensor(inputs[:8].copy())
    ours, vectors = stages(stored["dir"], "fp32", inputs[:8], work)
    theirs = reference_stages(model, pixels)
    same_stages(ours, theirs)
    last = theirs[-1]
    assert np.abs(vectors - last / np.linalg.norm(last, axis=1, keepdims=True)).max() < 1e-5


def test_a_batch_that_passes_in_parts(stored, inputs, theirs, work):
    """On one thread eight pictures in fp32 pass through the tower together: a batch of all does so in parts."""
    assert len(inputs) > 16 and len(inputs) % 8
    _, vectors = stages(stored["dir"], "fp32", inputs, work, env={"OMP_NUM_THREADS": "1"})
    same_vectors(vectors, theirs)


def test_vectors_from_files(stored, files, theirs, work):
    ours, answers = pool_vectors(stored["dir"], "fp32", files, work)
    same_vectors(ours, theirs)
    assert {(a["precision"], a["fingerprint"], a["untrained"]) for a in answers} == {
        ("fp32", stored["fingerprint"], False)}


def test_vectors_in_bf16(stored, files, theirs, work):
    if not fast_bf16():
        assert "20 times slower" in tool("pool", stored["dir"], "bf16", work / "no", files[0], fails=True)
        pytest.skip("SKIPPED: this CPU is not fast at bf16")
    ours, answers = pool_vectors(stored["dir"], "bf16", files, work)
    same_vectors(ours, theirs, COSINE_BF16)
    assert {a["precision"] for a in answers} == {"bf16"}


def has_vnni():
    flags = Path("/proc/cpuinfo").read_text().split()
    return "avx512_vnni" in flags or "avx_vnni" in flags


def near_vectors(ours, theirs, least):
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    worst = (ours * theirs).sum(axis=1).min()
    assert worst >= least, f"cosine {worst:.6f}"


class TestInt8:
    """Linear layers in int8, calibrated with drawn pictures, over the photographs."""

    @pytest.fixture(scope="class", params=["seeded", "outliers"])
    def case(self, request, inputs, work):
        model = seeded_clip()
        if request.param == "outliers":
            inject_outliers(model)
        model.save_pretrained(work / f"int8-{request.param}")
        stored = tool("import", work / f"int8-{request.param}", work / "models", f"int8-{request.param}")
        return request.param, stored, reference_vectors(model, inputs)

    # As this CPU is, with torch's and our own kernels held back, and with oneDNN held back as well.
    @pytest.mark.parametrize("caps", [{}, {"ATEN_CPU_CAPABILITY": "avx2"}, {"ATEN_CPU_CAPABILITY": "default"},
                                      {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}],
                             ids=["all", "avx2", "portable", "no_vnni"])
    def test_is_near_fp32(self, case, caps, files, work):
        _, stored, theirs = case
        ours, answers = pool_vectors(stored["dir"], "int8", files, work, caps)
        dot_products = has_vnni() and "ONEDNN_MAX_CPU_ISA" not in caps
        near_vectors(ours, theirs, COSINE_INT8 if dot_products else COSINE_INT8_SEVEN_BITS)
        assert {a["precision"] for a in answers} == {"int8"}
        assert np.abs(ours - theirs).max() > 1e-4, "the precision changes nothing: was it used?"

    def test_mutant_that_leaves_the_outliers_where_they_are(self, case, files, work):
        name, stored, theirs = case
        if name != "outliers":
            pytest.skip("SKIPPED: there are no outliers to leave")
        kept = Path(stored["dir"]) / "int8.safetensors"
        calibration = load_file(kept)
        for key, value in calibration.items():
            calibration[key] = np.full_like(value, {"shift": 0, "scale": 1, "zero": 128}[key.rsplit(".", 1)[1]])
        save_file(calibration, kept)
        ours, _ = pool_vectors(stored["dir"], "int8", files, work)
        with pytest.raises(AssertionError, match="cosine"):
            near_vectors(ours, theirs, COSINE_INT8_SEVEN_BITS)

    def test_a_damaged_calibration_is_made_again(self, case, files, work):
        _, stored, theirs = case
        kept = Path(stored["dir"]) / "int8.safetensors"
        kept.write_bytes(kept.read_bytes()[:1000])
        ours, _ = pool_vectors(stored["dir"], "int8", files, work)
        near_vectors(ours, theirs, COSINE_INT8 if has_vnni() else COSINE_INT8_SEVEN_BITS)
        assert len(load_file(kept)) == 12 * 4 * 3


class TestMutants:
    """The assertions above must see each of these."""

    def test_gelu_for_quick_gelu(self, folder, model, files, inputs, theirs, work):
        mutant = work / "gelu"
        mutant.mkdir()
        config = json.loads((folder / "config.json").read_text())
        assert config["vision_config"].get("hidden_act", "quick_gelu") == "quick_gelu"
        config["vision_config"]["hidden_act"] = "gelu"
        (mutant / "config.json").write_text(json.dumps(config))
        (mutant / "model.safetensors").symlink_to(folder / "model.safetensors")
        stored = tool("import", mutant, work / "models", "gelu")
        ours, _ = stages(stored["dir"], "fp32", inputs[:2], work)
        with pytest.raises(AssertionError, match="stage 2"):
            same_stages(ours, reference_stages(model, torch.as_tensor(inputs[:2].copy())))
        vectors, _ = pool_vectors(stored["dir"], "fp32", files, work)
        with pytest.raises(AssertionError, match="cosine"):
            same_vectors(vectors, theirs)

    @pytest.mark.parametrize("mutation", [{"resample": Image.Resampling.BILINEAR}, {"channels": "BGR"}, {"shift": 1}],
                             ids=["bilinear", "bgr", "crop_one_off"])
    def test_preprocessing(self, mutation, model, files, theirs):
        mutant = reference_vectors(model, np.stack([reference_input(f, **mutation) for f in files]))
        with pytest.raises(AssertionError, match="cosine"):
            same_vectors(mutant, theirs)

    def test_the_unmutated_reference_passes(self, theirs):
        same_vectors(theirs, theirs)


def test_one_fingerprint_whatever_the_format(model, stored, work):
    save_vision_only(model, work / "alone")
    save_vision_only(model.half(), work / "half")
    model.float().save_pretrained(work / "shards", max_shard_size="100MB")
    assert (work / "shards" / "model.safetensors.index.json").exists()
    openai_archive(model, work / "ViT-B-32.pt")
    prints = {name: tool("import", work / name, work / "models", name.lower()) for name in
              ("alone", "half", "shards", "ViT-B-32.pt")}
    assert {name: p["fingerprint"] for name, p in prints.items()} == {
        name: stored["fingerprint"] for name in prints}
    assert len(prints["ViT-B-32.pt"]["source_sha256"]) == 64


def test_stages_of_the_openai_archive(model, inputs, work):
    openai_archive(model, work / "again.pt")
    stored = tool("import", work / "again.pt", work / "models", "again")
    ours, _ = stages(stored["dir"], "fp32", inputs[:2], work)
    same_stages(ours, reference_stages(model, torch.as_tensor(inputs[:2].copy())))


def test_another_shape_and_gelu(work):
    """Nothing in the importer is B/32's: another size of everything, GELU, another epsilon."""
    model = seeded_clip(3, hidden_size=192, intermediate_size=400, num_hidden_layers=3, num_attention_heads=6,
                        image_size=112, patch_size=16, hidden_act="gelu", layer_norm_eps=1e-3)
    model.save_pretrained(work / "other")
    stored = tool("import", work / "other", work / "models", "other")
    assert (stored["architecture"], stored["image_size"]) == ("clip-vit-w192-l3-p16-112", 112)
    pixels = np.random.default_rng(1).integers(0, 256, (3, 3, 112, 112), dtype=np.uint8)
    ours, _ = stages(stored["dir"], "fp32", pixels, work)
    same_stages(ours, reference_stages(model, torch.as_tensor(pixels)))


def test_untrained_is_the_same_everywhere(work):
    """The seeded weights are integers up to one rounding: this hash holds on every machine."""
    made = tool("untrained", work / "models", 1)
    assert made["untrained"] and made["name"] == "untrained"
    assert made["fingerprint"] == "f07803b177ea6bce9de7ab75efe2f4a8de1f2047e8860672cc33cbd3bc53ded9"


class TestRefused:
    def test_nan(self, folder, work):
        target = work / "nan"
        target.mkdir()
        weights = load_file(folder / "model.safetensors")
        weights["vision_model.post_layernorm.bias"][5] = np.nan
        save_file(weights, target / "model.safetensors")
        (target / "config.json").write_bytes((folder / "config.json").read_bytes())
        said = tool("import", target, work / "models", "nan", fails=True)
        assert "post_norm.bias" in said and "NaN" in said

    def test_cut_off(self, folder, work):
        target = work / "cut"
        target.mkdir()
        (target / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-1000])
        (target / "config.json").write_bytes((folder / "config.json").read_bytes())
        said = tool("import", target, work / "models", "cut", fails=True)
        assert "outside the file" in said and "fetch it again" in said

    def test_configuration_of_another_model(self, folder, work):
        target = work / "mixed"
        target.mkdir()
        config = json.loads((folder / "config.json").read_text())
        config["vision_config"]["hidden_size"] = 1024
        (target / "config.json").write_text(json.dumps(config))
        (target / "model.safetensors").symlink_to(folder / "model.safetensors")
        said = tool("import", target, work / "models", "mixed", fails=True)
        assert "hidden_size is 1024, but the tensors say 768" in said

    def test_archives(self, work, tmp_path):
        whole = work / "again.pt"
        if not whole.exists():
            openai_archive(seeded_clip(), whole)
        for cut in (10_000, whole.stat().st_size // 2, whole.stat().st_size - 100):
            (tmp_path / "cut.pt").write_bytes(whole.read_bytes()[:cut])
            assert "cannot import" in tool("import", tmp_path / "cut.pt", work / "models", "cut", fails=True)
        torch.save({"visual.proj": torch.zeros(3)}, tmp_path / "pickle.pt")
        assert "torch.save" in tool("import", tmp_path / "pickle.pt", work / "models", "x", fails=True)
        torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "linear.pt")
        assert "lacks the tensor visual.conv1.weight" in tool("import", tmp_path / "linear.pt", work / "models", "x",
                                                              fails=True)
        (tmp_path / "empty").mkdir()
        (tmp_path / "empty" / "readme.md").write_text("hello")
        assert "it holds readme.md" in tool("import", tmp_path / "empty", work / "models", "x", fails=True)

    def test_another_model_of_that_name(self, stored, work):
        other = seeded_clip(9, hidden_size=64, intermediate_size=64, num_hidden_layers=1, num_attention_heads=1)
        other.save_pretrained(work / "small")
        said = tool("import", work / "small", work / "models", "seeded", fails=True)
        assert "the name is taken by another model" in said and "--force" in said
