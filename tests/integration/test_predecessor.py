"""Its user comes over: a folder with the scraper's `.env` and `sites.yaml` alone, and the guide, step by step."""

import re
import shutil

import pytest

from tests.integration.site_files import FOLDER
from tests.support.catwalk_binary import ROOT, Catwalk
from tests.support.tls_proxy import TlsProxy
from tests.support.zara_shop import ZaraShop

GUIDE = (ROOT / "docs" / "coming-from-the-python-scraper.md").read_text()
CATEGORIES = {"2443335": 9, "2418883": 5, "2419045": 4, "2418919": 3}
PRODUCTS = sum(CATEGORIES.values())


@pytest.fixture
def shop():
    with ZaraShop(categories=CATEGORIES) as running:
        yield running


@pytest.fixture
def table(contract_server):
    """The scraper's own table of February 2026, as wide as the tests' model."""
    contract_server.reset()
    contract_server.create_table("2026-02", width=512)
    return contract_server


@pytest.fixture
def folder(workdir, shop, table):
    """The scraper's two files and nothing else; the proxy that it may name stands for Zara's servers."""
    place = workdir / "scraper"
    place.mkdir()
    shutil.copy(FOLDER / "zara-2026-02.yaml", place / "sites.yaml")
    with TlsProxy(shop.port, workdir) as proxy:
        text = (
            f"SUPABASE_URL={table.url}\r\nSUPABASE_KEY={table.keys['service']}\r\n"
            f"USER_AGENT=FindsBot/0.1\r\nHTTPS_PROXY={proxy.url}\r\nNO_PROXY=127.0.0.1\r\nINSECURE_SSL=true\r\n"
        )
        # As Windows' editors left some of its files.
        (place / ".env").write_bytes(text.encode("utf-16"))
        yield place


@pytest.fixture
def run(folder, workdir, models_dir):
    """Runs a command line there. The machine's own state is not touched, and a page's delay not waited for."""

    def begin(line, **more):
        words = line.split()
        while "=" in words[0]:
            name, value = words.pop(0).split("=")
            more[name] = value
        assert words.pop(0) == "catwalk"
        if words[0] == "scrape" and "--migrate" not in words:
            words.append("--allow-untrained")
        env = {
            "STATE_DIRECTORY": str(workdir / "state"),
            "CATWALK_EMBED_MODELS_DIR": str(models_dir),
            "CATWALK_FETCH_PAGES_DELAY": "0s",
            # In bf16 the last bits of a vector depend on how many pictures were in its batch.
            "CATWALK_EMBED_BATCH": "1",
            **more,
        }
        return Catwalk(folder)(*words, env=env)

    return begin


def test_two_files_are_a_configuration(run, folder, table):
    assert sorted(file.name for file in folder.iterdir()) == [".env", "sites.yaml"]
    checked = run("catwalk check --config sites.yaml")
    assert checked.code == 0, checked
    dry = run("catwalk scrape --sites zara --config sites.yaml --limit 3 --dry-run --sync")
    assert dry.code == 0, dry
    assert "Zara: 3 products" in dry.out
    assert table.rows() == []
    done = run("catwalk scrape --sites zara,Zara --config sites.yaml --sync")
    assert done.code == 0, done
    assert len(table.rows()) == PRODUCTS
    assert all(row["image_embedding"] for row in table.rows())
    assert sorted(file.name for file in folder.iterdir()) == [".env", "sites.yaml"], "nothing is left there"
    key = table.keys["service"]
    assert key not in checked.out + checked.err + dry.out + dry.err + done.out + done.err


def test_its_migrate_is_refused_by_name(run, table):
    refused = run("catwalk scrape --sites all --config sites.yaml --migrate")
    assert refused.code == 2, refused
    assert "--migrate" in refused.err and "catwalk sink migrate" in refused.err
    assert table.rows() == []


def test_a_site_that_is_not_there_is_named(run):
    refused = run("catwalk scrape --sites Zarra --config sites.yaml")
    assert refused.code == 2, refused
    assert "Zarra" in refused.err


def guide_commands():
    return re.findall(r"(?m)^ {4}((?:[A-Z_]+=\S+ )*catwalk .*)$", GUIDE)


def guide_sql():
    return re.findall(r"```sql\n(.*?)```", GUIDE, re.DOTALL)


def test_the_guide_step_by_step(run, table, shop, folder, models_dir):
    """Each of the guide's commands as it stands there, the download of a model aside."""
    steps = iter(guide_commands())
    create, by_column, by_row = guide_sql()

    def next_step(expected, code=0):
        line = next(steps)
        assert line == expected
        done = run(line.replace("=MODELS ", f"={models_dir} "))
        assert done.code == code, done
        return done

    # The table as the scraper left it: rows with its vectors, some of which it has wrong.
    assert run("catwalk scrape").code == 0
    table.sql("update products set title = 'old title' where id in (select id from products order by id limit 2)")
    before = {row["id"]: row for row in table.rows()}
    assert len(before) == PRODUCTS

    next_step("catwalk check")
    online = next_step("catwalk check --online")
    assert "site Zara: ok" in online.out and "vectors of 512 numbers" in online.out, online
    assert "its picture embedded" in online.out
    assert next(steps) == "catwalk model pull"
    assert "new" in next_step("catwalk scrape --limit 5 --dry-run --explain").out
    table.sql(create)
    next_step(
        "CATWALK_STATE_DIR=trial CATWALK_EMBED_MODELS_DIR=MODELS CATWALK_SINK_TABLE=products_catwalk catwalk scrape"
    )
    assert len(table.rows("products_catwalk")) == PRODUCTS
    assert {row["id"]: row for row in table.rows()} == before, "the table in use is untouched"

    differing = {name: differ for name, compared, differ in table.sql(by_column) if differ}
    assert set(differing) - {"created_at"} == {"title"}, differing
    assert differing["title"] == 2
    assert table.sql(by_row) == [(0, 0)]

    shutil.rmtree(folder.parent / "state")
    assert f"{PRODUCTS} rows" in next_step("catwalk sink adopt --vectors").out
    dry = next_step("catwalk scrape --dry-run")
    assert "0 new" in dry.out and "gone" not in dry.out, dry
    written = table.writes()
    done = next_step("catwalk scrape")
    again = {key for key, times in table.writes().items() if times > written[key]}
    assert len(again) == 2, done
    assert "images: 0 embedded" in done.out
    after = {row["id"]: row for row in table.rows()}
    assert set(after) == set(before)
    assert not [row for row in after.values() if row["title"] == "old title"]
    assert all(row["image_embedding"] == before[key]["image_embedding"] for key, row in after.items())
    assert next(steps, None) is None
    table.sql("drop table products_catwalk")
