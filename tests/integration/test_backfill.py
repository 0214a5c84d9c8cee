"""`catwalk backfill`: rows of the sink get vectors, and nothing else changes."""

import re
import shutil

import pytest

from tests.integration.expectation import check_rows
from tests.integration.test_sink_sync import SYNC, sites_of
from tests.support.catwalk_binary import wait_until
from tests.support.remote_service import RemoteService, vector_of
from tests.support.zara_shop import ZaraShop

BACKFILL = ("backfill", "--allow-untrained")


@pytest.fixture
def filled(catwalk, configure, supabase):
    """40 rows, of which 25 have lost their vector; the shop."""
    with ZaraShop(40, page_size=40) as shop:
        configure(shop, supabase, sites_of(shop))
        assert catwalk(*SYNC).code == 0
        supabase.sql(
            "update products set image_embedding = null, embedding_model = null "
            "where id in (select id from products order by id limit 25)"
        )
        yield shop


def fields(supabase):
    return [
        {
            name: value
            for name, value in row.items()
            if name not in ("image_embedding", "embedding_model")
        }
        for row in supabase.rows()
    ]


@pytest.mark.parametrize("migrated", [False, True], ids=["PATCH", "RPC"])
def test_missing_vectors_come_back(catwalk, filled, supabase, migrated):
    if migrated:
        assert (
            catwalk("sink", "migrate", env={"SUPABASE_DB_URL": supabase.dsn}).code == 0
        )
    before = fields(supabase)
    supabase.control("clear_log")
    done = catwalk(*BACKFILL, "--missing", "--json")
    assert done.code == 0, done
    assert done.json == {"wanted": 25, "done": 25, "failed": 0, "examples": []}
    check_rows(supabase.rows(), filled.all_products, "catwalk", filled.url)
    assert fields(supabase) == before
    assert sum(supabase.writes().values()) == 25
    assert {seen["method"] for seen in supabase.requests()} <= (
        {"GET", "POST"} if migrated else {"GET", "PATCH", "POST"}
    )
    again = catwalk(*BACKFILL, "--json")
    assert again.json["wanted"] == 0


def test_rows_of_another_model_are_stale(catwalk, filled, supabase):
    supabase.sql(
        "update products set embedding_model = 'another' where image_embedding is not null"
    )
    done = catwalk(*BACKFILL, "--stale", "--json")
    assert done.code == 0, done
    assert done.json["done"] == 40
    assert supabase.sql("select distinct embedding_model from products") == [
        ("untrained",)
    ]


def test_it_goes_on_after_a_kill(catwalk, filled, supabase, workdir):
    supabase.sql("update products set embedding_model = 'before'")
    running = catwalk.begin(*BACKFILL, "--all", "--rate", "4")
    count = "select count(*) from products where embedding_model = 'untrained'"
    wait_until(lambda: len(filled.requests("image")) > 45, 90)
    running.kill()
    filled.clear_log()
    done = catwalk(*BACKFILL, "--missing")
    assert done.code in (0, 3), done
    assert supabase.sql(
        "select count(*) from products where image_embedding is null"
    ) == [(0,)]
    assert catwalk(*BACKFILL, "--all").code == 0
    assert supabase.sql(count) == [(40,)]


def test_a_sink_that_falters_and_an_image_that_is_gone(
    catwalk, filled, supabase, workdir
):
    shutil.rmtree(workdir / "state")  # so that every image is asked for
    broken = filled.all_products[3]
    supabase.sql(
        "update products set image_embedding = null where product_url like %s",
        (f"%={broken.id}",),
    )
    filled.fault("status", broken.picture_path().rsplit("/", 1)[1], status=404)
    supabase.fault("respond", method="PATCH", status=503, times=3)
    done = catwalk(*BACKFILL, "--missing", "--json")
    assert done.code == 3, done
    assert done.json["failed"] == 1
    assert supabase.sql(
        "select count(*) from products where image_embedding is null"
    ) == [(1,)]


def test_over_postgres(catwalk, filled, configure, supabase, workdir):
    (workdir / "url").write_text(supabase.dsn)
    configure(
        filled,
        None,
        sites_of(filled),
        sink={"kind": "postgres", "url": {"file": str(workdir / "url")}},
    )
    done = catwalk(*BACKFILL, "--json")
    assert done.code == 0, done
    assert done.json["done"] == 25
    check_rows(supabase.rows(), filled.all_products, "catwalk", filled.url)


@pytest.mark.parametrize("respect", [False, True])
def test_a_row_is_asked_for_as_its_site_says(
    catwalk, filled, configure, supabase, workdir, respect
):
    """robots.txt, the delay and the proxy of its images are the site's, as in a run."""
    shutil.rmtree(workdir / "state")  # so that every image is asked for
    filled.robots = "User-agent: *\nDisallow: /assets/\n"
    configure(filled, supabase, sites_of(filled, respect_robots=respect))
    filled.clear_log()
    done = catwalk(*BACKFILL, "--json")
    assert done.json["done"] == (0 if respect else 25), done
    assert len(filled.requests("image")) == (0 if respect else 25)


def test_images_go_through_their_sites_proxy(catwalk, filled, configure, supabase, workdir):
    shutil.rmtree(workdir / "state")
    configure(filled, supabase, sites_of(filled, proxy_images="http://127.0.0.1:9"))
    filled.clear_log()
    done = catwalk(*BACKFILL, "--json")
    assert done.json["failed"] == 25, done
    assert filled.requests("image") == []


@pytest.fixture
def remote_backfill(catwalk, configure, supabase):
    """backfill(*arguments) of 70 rows without vectors, which another service makes in no time; backfill.shop has the
    pictures."""
    with ZaraShop(70) as shop, RemoteService() as service:
        configure(None, supabase, sites="[]", log={"level": "info"})
        for product in shop.all_products:
            supabase.sql(
                "insert into products (id, source, title, product_url, image_url) values (%s, 's', %s, %s, %s)",
                (f"{product.id}", product.name, f"u{product.id}", product.picture_address(shop.url)),
            )
        env = {"CATWALK_EMBED_REMOTE_URL": service.url, "CATWALK_EMBED_MODEL": "auto"}

        def run(*arguments):
            return catwalk("backfill", "--backend", "remote", "--json", *arguments, env=env)

        run.shop = shop
        yield run


def check_remote_vectors(supabase, count):
    rows = supabase.rows()
    assert len(rows) == count
    for row in rows:
        assert row["embedding_model"] == "clip-vit-b-32"
        for got, wanted in zip(row["image_embedding"], vector_of(row["image_url"]), strict=True):
            assert abs(got - wanted) < 1e-6, row["id"]


def test_the_rate_is_kept_and_the_time_left_is_told(remote_backfill, supabase):
    rate = 10
    done = remote_backfill("--rate", str(rate))
    assert done.code == 0, done
    assert done.json["done"] == 70
    moments = [seen.at for seen in remote_backfill.shop.requests("image")]
    assert len(moments) == 70
    # They are asked for a tenth of a second apart; on the way one may fall behind the next.
    for count in (40, 69):
        for first, last in zip(moments, moments[count:]):
            assert last - first > count / rate - 1, f"{count + 1} pictures within {last - first:.2f} s"
    told = re.findall(r"(\d+) of (\d+) rows, ([\d.]+)/s, about (\d+) s left", done.err)
    assert told, done
    for so_far, total, pace, left in ((int(n), int(t), float(p), int(s)) for n, t, p, s in told):
        assert total == 70 and 0 < so_far <= total
        assert 0 < pace <= rate + 0.1
        assert abs(left - (total - so_far) / pace) <= 1 + (total - so_far) * 0.05 / pace**2, told
    check_remote_vectors(supabase, 70)


@pytest.mark.parametrize("which", ["--missing", "--all"])
def test_more_rows_than_the_sink_gives_at_once(remote_backfill, supabase, which):
    """max-rows cuts every answer without a word, below what catwalk asks for."""
    supabase.control("settings", max_rows=15)
    done = remote_backfill(which)
    assert done.code == 0, done
    assert done.json == {"wanted": 70, "done": 70, "failed": 0, "examples": []}
    assert len([seen for seen in supabase.requests("GET") if "image_url" in seen["query"]]) >= 70 / 15
    check_remote_vectors(supabase, 70)
