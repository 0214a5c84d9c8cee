"""`info_embedding`: the text of a product, as the Python scraper made it, embedded by the model's text tower."""

import json
import shutil

import numpy as np
import pytest
import torch
import yaml
from transformers import CLIPModel, CLIPTokenizer

from tests.integration.site_files import site_text
from tests.support.catwalk_binary import wait_until
from tests.support.word_model import write_word_model
from tests.support.zara_shop import ZaraShop


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_word_model(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def shop():
    with ZaraShop(12, page_size=12) as running:
        yield running


@pytest.fixture
def table(supabase):
    supabase.create_table("2026-02", width=512)
    return supabase


@pytest.fixture
def write(catwalk, configure, shop, table, clip, workdir):
    """Writes the configuration; the model is imported once."""
    (site,) = yaml.safe_load(site_text(shop, "2026-02"))

    def settings(**embed):
        wanted = {"models_dir": str(workdir / "models"), "model": "words", "precision": "fp32", **embed}
        configure(shop, table, yaml.safe_dump([site]), embed=wanted)

    settings()
    assert catwalk("model", "import", clip, "--name", "words").code == 0
    return settings


def text_of(row):
    """As the scraper's own note says (title, description, category, brand, then with labels, then the metadata)."""
    labelled = [("Size", "size"), (None, "gender"), ("Price", "price"), ("Sale", "sale")]
    parts = [row[name] for name in ("title", "description", "category", "brand")]
    parts += [f"{label}: {row[name]}" if label and row[name] else row[name] for label, name in labelled]
    parts += [f"{key}: {value}" for key, value in json.loads(row["metadata"] or "{}").items()]
    return " ".join(part for part in parts if part)


@torch.no_grad()
def reference(clip, texts):
    """Not scaled to length 1, as that table keeps them."""
    model = CLIPModel.from_pretrained(clip).eval()
    ids = CLIPTokenizer.from_pretrained(clip)(
        texts, padding=True, truncation=True, max_length=77, return_tensors="pt"
    )
    return model.text_projection(model.text_model(**ids).pooler_output).numpy()


def check(rows, clip):
    ours = np.array([row["info_embedding"] for row in rows])
    theirs = reference(clip, [text_of(row) for row in rows])
    assert ours.shape == theirs.shape == (len(rows), 512)
    scale = np.abs(theirs).max()
    assert np.abs(ours - theirs).max() < 1e-4 * scale
    assert np.abs(theirs - theirs.mean(0)).max() > 0.01 * scale, "the texts tell nothing"


def test_rows_have_the_vectors_of_their_texts(catwalk, write, table, clip, shop):
    done = catwalk("scrape")
    assert done.code == 0, done
    rows = table.rows()
    assert len(rows) == 12
    check(rows, clip)
    assert all(row["image_embedding"] for row in rows)

    table.control("clear_log")
    done = catwalk("scrape")
    assert done.code == 0, done
    assert table.writes() == {}, "an unchanged catalogue was written"

    cheaper = shop.products["2443335"][0]
    cheaper.price -= 100
    done = catwalk("scrape")
    assert done.code == 0, done
    after = table.rows()
    check(after, clip)
    assert len(table.writes()) == 1
    before = {row["id"]: row for row in rows}
    changed = [row for row in after if row["info_embedding"] != before[row["id"]]["info_embedding"]]
    assert [row["price"] for row in changed] == [f"{cheaper.price / 100:g}USD"]
    assert all(row["image_embedding"] == before[row["id"]]["image_embedding"] for row in after)


def test_a_vector_is_never_replaced_by_null(catwalk, write, table, clip, shop):
    """Turned off, rows are written without the column; what it holds stays."""
    assert catwalk("scrape").code == 0
    before = {row["id"]: row for row in table.rows()}
    write(text="off")
    shop.products["2443335"][0].price -= 100
    assert catwalk("scrape").code == 0
    after = table.rows()
    assert sum(row["price"] != before[row["id"]]["price"] for row in after) == 1
    assert all(row["info_embedding"] == before[row["id"]]["info_embedding"] for row in after)
    write()
    assert catwalk("scrape").code == 0
    check(table.rows(), clip)


def test_off_leaves_the_column_alone(catwalk, write, table):
    write(text="off")
    assert catwalk("scrape").code == 0
    assert all(row["info_embedding"] is None and row["image_embedding"] for row in table.rows())


def test_a_table_without_the_column(catwalk, write, table):
    table.control("sql", sql="alter table products drop column info_embedding")
    done = catwalk("scrape")
    assert done.code == 0, done
    assert len(table.rows()) == 12


def test_a_model_without_words_says_so(catwalk, write, table, models_dir):
    for wanted, level in (("auto", "info"), ("on", "warning")):
        write(models_dir=str(models_dir), model="untrained", text=wanted)
        done = catwalk("scrape", "--allow-untrained")
        assert done.code == 0, done
        (line,) = [line for line in done.err.splitlines() if "info_embedding is not made" in line]
        assert level in line, line
    assert all(row["info_embedding"] is None for row in table.rows())


def test_a_column_of_another_width_is_left_alone(catwalk, write, table):
    table.control("sql", sql="alter table products drop column info_embedding")
    table.control("sql", sql="alter table products add column info_embedding vector(384)")
    done = catwalk("scrape")
    assert done.code == 0, done
    assert "takes 384 numbers" in done.err
    assert all(row["info_embedding"] is None and row["image_embedding"] for row in table.rows())


def test_an_adopted_table_is_not_rewritten(catwalk, write, table, workdir):
    assert catwalk("scrape").code == 0
    shutil.rmtree(workdir / "state")
    table.control("clear_log")
    assert catwalk("sink", "adopt", "--vectors").code == 0
    assert catwalk("scrape").code == 0
    assert table.writes() == {}
    assert all(row["info_embedding"] for row in table.rows())


def test_a_daemon_goes_on_where_it_was_killed(catwalk, write, table, clip, workdir):
    """Texts that were due when the process died are found again."""
    write(text="off")
    assert catwalk("scrape").code == 0
    write()
    settings = yaml.safe_load((workdir / "catwalk.yaml").read_text())
    port = int(settings["http"]["listen"].rsplit(":", 1)[1])
    catwalk.daemon(port).kill()
    catwalk.daemon(port)
    wait_until(lambda: all(row["info_embedding"] for row in table.rows()))
    check(table.rows(), clip)


def test_postgres_too(catwalk, configure, shop, write, table, clip, postgres, workdir):
    (site,) = yaml.safe_load(site_text(shop, "2026-02"))
    wanted = {"models_dir": str(workdir / "models"), "model": "words", "precision": "fp32"}
    configure(shop, None, yaml.safe_dump([site]), embed=wanted, sink={"kind": "postgres", "url": postgres})
    done = catwalk("scrape")
    assert done.code == 0, done
    check(table.rows(), clip)
