"""`catwalk model pull OWNER/NAME`: from a hub, checked against its hashes, gone on with after a break."""

import json

import pytest

from tests.support.model_hub import COMMIT, ModelHub
from tests.support.word_model import write_word_model

CLIP = "openai/clip-vit-base-patch32"
TOKEN = "hf_secretofthetest"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = write_word_model(tmp_path_factory.mktemp("hub"))
    made = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "generation_config.json"}
    return made | {"README.md": b"# A model\n", "pytorch_model.bin": b"\x80\x02" * 9000}


@pytest.fixture
def models(tmp_path, configure):
    configure(embed={"models_dir": str(tmp_path / "models"), "model": "auto"})
    return tmp_path / "models"


def listed(catwalk):
    return {one["name"]: one for one in json.loads(catwalk("model", "list", "--json").out)}


def left_in(models):
    return sorted(path.name for path in models.iterdir())


def test_a_model_by_its_name(catwalk, models, files):
    with ModelHub({CLIP: files}) as hub:
        done = catwalk("model", "pull", CLIP, env={"HF_ENDPOINT": hub.origin})
        assert done.code == 0, done
        paths = [path for _, path in hub.asked]
    assert not any("README" in path or "pytorch_model" in path for path in paths)
    model = listed(catwalk)["clip-vit-b-32"]
    assert left_in(models) == ["clip-vit-b-32"]
    assert model["source"] == f"{hub.origin}/{CLIP}/tree/{COMMIT}"
    assert model["source_sha256"] == model["files"]["model.safetensors"] == ModelHub._hash(files["model.safetensors"])
    assert model["text_fingerprint"]
    # Whichever of its names is asked for, it is this one.
    for name in (CLIP, "sentence-transformers/clip-ViT-B-32", "clip-ViT-B-32", "auto"):
        said = catwalk("try", "tokenize", "a red coat", "--model", name)
        assert said.code == 0 and len(json.loads(said.out)) == 5, said


def test_a_break_is_gone_on_from(catwalk, models, files):
    with ModelHub({CLIP: files}, cuts=[100_000, 50_000]) as hub:
        done = catwalk("model", "pull", CLIP, env={"HF_ENDPOINT": hub.origin})
        assert done.code == 0, done
        ranges = [seen.range for seen in hub.storage.gets if seen.range]
    assert ranges[:2] == ["bytes=100000-", "bytes=150000-"]


def test_the_token_goes_to_the_hub_alone(catwalk, models, files):
    with ModelHub({CLIP: files}, token=TOKEN) as hub:
        refused = catwalk("model", "pull", CLIP, env={"HF_ENDPOINT": hub.origin})
        assert refused.code == 1 and "401" in refused.err and "HF_TOKEN" in refused.err
        done = catwalk("--log-level", "trace", "model", "pull", CLIP, env={"HF_ENDPOINT": hub.origin, "HF_TOKEN": TOKEN})
        assert done.code == 0, done
        assert hub.storage.authorizations and set(hub.storage.authorizations) == {None}
    assert TOKEN not in done.out + done.err + (models / "clip-vit-b-32" / "model.json").read_text()


@pytest.mark.parametrize("path", ["model.safetensors", "vocab.json"])
def test_another_hash_than_promised(catwalk, models, files, path):
    with ModelHub({CLIP: files}, lies={path: "0" * 64}) as hub:
        done = catwalk("model", "pull", CLIP, env={"HF_ENDPOINT": hub.origin})
    assert done.code == 1 and "promised is " + "0" * 64 in done.err, done
    assert listed(catwalk) == {}


def test_what_a_hub_does_not_have(catwalk, models, files):
    pickles = {name: body for name, body in files.items() if not name.endswith(".safetensors")}
    with ModelHub({"some/pickle": pickles, "some/other": {"notes.txt": b"x"}}) as hub:
        for name, says in (("some/pickle", "no safetensors"), ("some/other", "no form that catwalk imports"),
                           ("some/absent", "no such model")):
            done = catwalk("model", "pull", name, env={"HF_ENDPOINT": hub.origin})
            assert done.code == 1 and says in done.err, done
    assert catwalk("model", "pull", "no-owner").code == 2


def test_sentence_transformers_folders(catwalk, models, files):
    name = "sentence-transformers/clip-ViT-B-32"
    module = [{"idx": 0, "name": "0", "path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}]
    nested = {f"0_CLIPModel/{path}": body for path, body in files.items()} | {"modules.json": json.dumps(module).encode()}
    with ModelHub({name: nested}) as hub:
        done = catwalk("model", "pull", name, env={"HF_ENDPOINT": hub.origin})
    assert done.code == 0, done
    assert listed(catwalk)["clip-vit-b-32"]["text_fingerprint"]


def test_the_model_that_a_setting_asks_for(catwalk, configure, tmp_path, files):
    own = "Some/Own.Model"
    configure(embed={"models_dir": str(tmp_path / "models"), "model": "auto"})
    with ModelHub({own: files}) as hub:
        environment = {"HF_ENDPOINT": hub.origin, "EMBEDDINGS_MODEL": own}
        missing = catwalk("try", "tokenize", "x", env=environment)
        assert missing.code == 1 and f"model pull {own}" in missing.err, missing
        assert catwalk("model", "pull", env=environment).code == 0
        assert catwalk("try", "tokenize", "x", env=environment).code == 0
    assert list(listed(catwalk)) == ["own.model"]


def test_the_table_of_2026_names_its_model(catwalk, configure, tmp_path):
    configure(embed={"models_dir": str(tmp_path / "models"), "model": "auto"}, sink={"layout": "2026-02"})
    done = catwalk("try", "tokenize", "x")
    assert done.code == 1 and "model pull google/siglip-base-patch16-384" in done.err, done
