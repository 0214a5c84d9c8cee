"""`sink.kind: postgres`: the same rows over a connection to Postgres itself, whatever happens to it."""

import json
import sqlite3
import time

import numpy as np
import psycopg
import psycopg.conninfo
import pytest

from tests.integration.expectation import check_rows
from tests.integration.site_files import site_text
from tests.integration.test_sink_sync import SYNC, sites_of, stored
from tests.support.pgbouncer import PgBouncer
from tests.support.relay import Relay
from tests.support.tls_proxy import make_certificate
from tests.support.zara_shop import ZaraShop

SCRAPE = ("scrape", "Zara", "--limit", "20", "--allow-untrained")
LAYOUTS = {"catwalk": "2026-02", "2025-10": "2025-10"}


@pytest.fixture
def postgres_sink(configure, supabase, workdir):
    """configure(shop, **settings) with the sink's connection string in a file."""

    def write(shop, sites=None, **settings):
        (workdir / "url").write_text(supabase.dsn)
        sink = {
            "kind": "postgres",
            "url": {"file": str(workdir / "url")},
            **settings.pop("sink", {}),
        }
        return configure(shop, None, sites, sink=sink, **settings)

    return write


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_column_lands(catwalk, postgres_sink, supabase, shop, layout):
    supabase.create_table(layout)
    postgres_sink(shop, site_text(shop, LAYOUTS[layout]))
    done = catwalk(*SCRAPE)
    assert done.code == 0, done
    check_rows(supabase.rows(), shop.all_products[:20], layout, shop.url)
    supabase.control("clear_log")
    assert catwalk(*SCRAPE).code == 0
    assert supabase.writes() == {}, "what did not change was written again"


@pytest.mark.parametrize("over", ["postgres", "rest"])
def test_half_vectors(catwalk, postgres_sink, configure, supabase, shop, workdir, over):
    """Each number is the nearest half of the float that catwalk keeps, in its place."""
    supabase.control(
        "sql",
        sql="alter table products alter column image_embedding type halfvec(512) using null",
    )
    postgres_sink(shop) if over == "postgres" else configure(shop, supabase)
    assert catwalk(*SCRAPE).code == 0
    with sqlite3.connect(workdir / "state" / "catwalk.sqlite3") as db:
        kept = {
            url: np.frombuffer(vector, "<f4")
            for url, vector in db.execute(
                "select url, vector from images where vector is not null"
            )
        }
    rows = supabase.sql("select image_url, image_embedding::text from products")
    assert len(rows) == 20
    for url, text in rows:
        halves = np.array(json.loads(text), np.float32)
        assert np.array_equal(halves, kept[url].astype(np.float16).astype(np.float32)), url


def test_vectors_are_bit_equal_to_those_over_rest(
    catwalk, postgres_sink, configure, supabase, shop, workdir
):
    postgres_sink(shop)
    assert catwalk(*SCRAPE).code == 0
    query = "select id, image_embedding::text from products order by id"
    over_postgres = supabase.sql(query)
    supabase.sql("truncate products")
    configure(shop, supabase)
    assert catwalk(*SCRAPE).code == 0
    assert supabase.sql(query) == over_postgres


def test_what_is_gone_is_deleted(catwalk, postgres_sink, supabase):
    with ZaraShop(20, page_size=20) as shop:
        postgres_sink(shop, sites_of(shop))
        assert catwalk(*SYNC).code == 0
        listed = shop.products["2443335"]
        gone = listed[:3]
        listed[:] = listed[3:]
        done = catwalk(*SYNC)
        assert done.code == 0, done
        check_rows(supabase.rows(), listed, "catwalk", shop.url)
        assert len(gone) == 20 - len(stored(supabase))


@pytest.mark.parametrize(
    "trouble",
    [
        "raise sqlstate '40001'",
        "raise sqlstate '53300'",
        "raise sqlstate '57P01'",
        "raise sqlstate '08006'",
    ],
)
def test_trouble_that_passes(catwalk, postgres_sink, supabase, shop, trouble):
    supabase.sql(
        "drop sequence if exists tries; create sequence tries; create function trouble() returns trigger language plpgsql as $$ begin "
        f"if nextval('tries') < 3 then {trouble}; end if; return null; end $$; "
        "create trigger trouble before insert on products for each statement execute function trouble()"
    )
    postgres_sink(shop)
    done = catwalk(*SCRAPE)
    assert done.code == 0, done
    check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)


def test_a_connection_that_is_killed_is_made_again(
    catwalk, postgres_sink, supabase, shop
):
    supabase.control("slow_rows", seconds=0.05)
    postgres_sink(shop, sink={"batch": 5})
    running = catwalk.begin(*SCRAPE)
    killed = "lost the connection to Postgres"
    deadline = time.monotonic() + 60
    # Until one is seen to be lost: a run that is through sooner has lost none.
    while killed not in running.err and running.ended is None and time.monotonic() < deadline:
        supabase.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'catwalk/%'"
        )
        time.sleep(0.2)
    assert killed in running.err
    assert running.wait() == 0, running.err
    check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)


def test_one_bad_row_is_found_and_the_others_land(
    catwalk, postgres_sink, supabase, shop
):
    bad = shop.all_products[7]
    supabase.sql(
        f"""
        create function public.refuse() returns trigger language plpgsql as $$
        begin
          if new.product_url like '%%={bad.id}' then raise exception 'the app does not want it'; end if;
        return new; end $$;
        create trigger refuse before insert or update on products for each row execute function refuse();"""
    )
    postgres_sink(shop)
    done = catwalk(*SCRAPE)
    assert done.code == 3, done
    assert "the app does not want it" in done.out + done.err
    check_rows(
        supabase.rows(),
        [p for p in shop.all_products[:20] if p is not bad],
        "catwalk",
        shop.url,
    )


def test_a_wrong_password_and_a_missing_table_are_told_apart(
    catwalk, postgres_sink, supabase, shop, workdir
):
    postgres_sink(shop)
    supabase.sql("alter table products rename to elsewhere")
    missing = catwalk(*SCRAPE, "--wait", "5s")
    assert missing.code == 3 and "cannot find the sink's table" in missing.err, missing
    supabase.sql("alter table elsewhere rename to products")
    (workdir / "url").write_text("postgres://nobody:canary-77a@127.0.0.1:1/postgres")
    away = catwalk(*SCRAPE, "--wait", "5s")
    assert away.code == 3, away
    assert "canary-77a" not in away.out + away.err
    (workdir / "url").write_text(supabase.dsn)
    assert catwalk(*SCRAPE).code == 0
    assert len(supabase.rows()) == 20


def test_an_older_id_is_kept(catwalk, postgres_sink, supabase, shop):
    postgres_sink(shop)
    assert catwalk(*SCRAPE).code == 0
    with psycopg.connect(supabase.dsn) as connection:
        connection.execute(
            "update products set id = 'older' where id = (select min(id) from products)"
        )
    for product in shop.all_products[:20]:
        product.price += 100
    done = catwalk(*SCRAPE)
    assert done.code == 0, done
    rows = supabase.rows()
    assert len(rows) == 20 and any(row["id"] == "older" for row in rows)


def change_prices(shop):
    for product in shop.all_products[:20]:
        product.price += 100


def test_through_a_transaction_pooler(catwalk, postgres_sink, supabase, shop, workdir):
    """Nothing of a session lasts there: no prepared statement, temporary table or setting beyond its transaction."""
    postgres_sink(shop)
    with PgBouncer(supabase.dsn) as pooler:
        (workdir / "url").write_text(pooler.url())
        assert catwalk("sink", "status").code in (0, 3)
        done = catwalk(*SCRAPE)
        assert done.code == 0, done
        check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)
        change_prices(shop)
        assert catwalk(*SCRAPE).code == 0
        supabase.sql("update products set image_embedding = null, embedding_model = null")
        filled = catwalk("backfill", "--allow-untrained", "--json")
        assert filled.code == 0, filled
        assert filled.json["done"] == 20
        migrated = catwalk("sink", "migrate")
        assert migrated.code == 0, migrated
    check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)


@pytest.fixture
def over_tls(supabase, tmp_path):
    """What accepts TLS alone, with the certificate of localhost, which no client trusts unless it is told to."""
    with PgBouncer(
        supabase.dsn, make_certificate(tmp_path, "DNS:localhost,IP:127.0.0.1")
    ) as server:
        yield server


def test_tls_with_the_certificate_checked(
    catwalk, postgres_sink, supabase, shop, workdir, tmp_path, over_tls
):
    postgres_sink(shop)
    other = tmp_path / "other"
    other.mkdir()
    make_certificate(other, "DNS:localhost")
    for trusted in (other / "proxy.pem.crt", tmp_path / "proxy.pem.crt"):
        url = over_tls.url("localhost", sslmode="verify-full", sslrootcert=trusted)
        (workdir / "url").write_text(url)
        done = catwalk(*SCRAPE, "--wait", "5s")
        if trusted.parent == other:
            assert done.code == 3 and "certificate" in done.err, done
            assert supabase.rows() == []
    assert done.code == 0, done
    check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)


def test_tls_is_asked_for_on_another_machine(catwalk, postgres_sink, supabase, shop, workdir, over_tls):
    """Where the address says nothing of it: not in the clear, not even where the server would have it so."""
    postgres_sink(shop)
    relays = [Relay("127.0.0.2", psycopg.conninfo.conninfo_to_dict(supabase.dsn)["port"])]
    try:
        (workdir / "url").write_text(f"postgresql://postgres@127.0.0.2:{relays[0].port}/postgres")
        refused = catwalk(*SCRAPE, "--wait", "5s")
        assert refused.code == 3 and "SSL" in refused.err, refused
        assert supabase.rows() == []
        relays.append(Relay("127.0.0.2", over_tls.port))
        (workdir / "url").write_text(f"postgresql://postgres@127.0.0.2:{relays[1].port}/postgres")
        done = catwalk(*SCRAPE)
        assert done.code == 0, done
    finally:
        for relay in relays:
            relay.close()
    check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)
