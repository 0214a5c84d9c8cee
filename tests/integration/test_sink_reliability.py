"""What must survive, as figures. Short by default; CATWALK_LONG=1 runs the long form of each."""

import os
import random
import time

import pytest

from tests.integration.expectation import check_rows
from tests.integration.test_sink_sync import ids, sites_of, stored
from tests.support.catwalk_binary import wait_until
from tests.support.figures import counted
from tests.support.zara_shop import ZaraShop

LONG = os.environ.get("CATWALK_LONG") == "1"
SCRAPE = ("scrape", "Zara", "--allow-untrained")
NO_PICTURE = r"/assets/"  # every picture is missing: rows alone, which is what these tests are about


def test_kill_9_at_random_moments(catwalk, configure, supabase):
    """No row lost, none doubled, the state database whole."""
    kills = 500 if LONG else 25
    moments = random.Random(7)
    with ZaraShop(120, page_size=40) as shop:
        configure(shop, supabase, sites_of(shop), sink={"batch": 10})
        for _ in range(kills):
            running = catwalk.begin(*SCRAPE)
            time.sleep(moments.uniform(0.05, 2.5))
            running.kill()
        done = catwalk(*SCRAPE)
        assert done.code == 0, done
        check_rows(supabase.rows(), shop.all_products, "catwalk", shop.url)
        assert catwalk("failed", "list", "--json").json == []
    counted("kill -9", kills=kills, rows_lost=0, rows_doubled=0)


def test_a_crash_between_the_answer_and_the_note_of_it(catwalk, configure, supabase):
    """The sink has committed and catwalk does not know: the replay changes nothing."""
    crashes = 100 if LONG else 4
    with ZaraShop(10, page_size=10) as shop:
        configure(shop, supabase, sites_of(shop))
        for n in range(crashes):
            for product in shop.all_products:
                product.price = 10_000 + 100 * n
            supabase.control("clear_log")
            supabase.fault(
                "stall",
                method="POST",
                path="/rest/v1/products",
                seconds=30,
                after=True,
                times=1,
            )
            running = catwalk.begin(*SCRAPE)
            wait_until(
                lambda: len(supabase.writes()) == 10, 60, "the sink never committed"
            )
            running.kill()
            supabase.clear_faults()
            before = [
                {name: value for name, value in row.items()} for row in supabase.rows()
            ]
            done = catwalk(*SCRAPE)
            assert done.code == 0, done
            assert supabase.rows() == before
    counted("crash after the commit", crashes=crashes, rows_changed_by_the_replay=0)


ANSWERS = [
    {"status": 408},
    {"status": 429, "headers": {"Retry-After": "1"}},
    {"status": 500, "body": "<html>oops</html>"},
    {"status": 502, "body": "<html>bad gateway</html>", "after": True},
    {"status": 503, "headers": {"Retry-After": "1"}},
    {"status": 504},
]


def test_answers_that_mean_later(catwalk, configure, supabase):
    """Fault after fault, and at the end every column of every row is what the shop sells."""
    wanted = 1_000 if LONG else 7
    times = 4 if LONG else 1  # of each answer in one round; the first comes once more, so that one row meets two
    with ZaraShop(80 if LONG else 16, page_size=100) as shop:
        configure(shop, supabase, sites_of(shop), sink={"batch": 2})
        faults = 0
        while faults < wanted:
            for product in shop.all_products:
                product.price += 100
            for n, answer in enumerate(ANSWERS):
                supabase.fault(
                    "respond",
                    method="POST",
                    path="/rest/v1/products",
                    times=times if n else times + 1,
                    **answer,
                )
            done = catwalk(*SCRAPE, "--wait", "5m", timeout=400)
            assert done.code == 0, done
            assert "0 waiting" in done.out and "0 refused" in done.out, done
            rules = supabase.control("faults")
            assert all(rule["left"] == 0 for rule in rules), "an answer was never given"
            faults += sum(rule["applied"] for rule in rules)
            supabase.clear_faults()
        check_rows(supabase.rows(), shop.all_products, "catwalk", shop.url)
        assert catwalk("failed", "list", "--json").json == []
    counted("answers that mean later", faults=faults, rows_lost=0)
    assert faults >= wanted


def test_answers_cut_at_many_offsets(catwalk, configure, supabase):
    offsets = range(0, 200, 4) if LONG else (0, 17, 120)
    with ZaraShop(10, page_size=10) as shop:
        shop.fault("status", NO_PICTURE, status=404)
        configure(shop, supabase, sites_of(shop))
        for offset in offsets:
            for product in shop.all_products:
                product.price += 100
            supabase.fault(
                "reset",
                method="POST",
                path="/rest/v1/products",
                times=1,
                bytes=offset,
                after=True,
            )
            done = catwalk(*SCRAPE, "--wait", "1m")
            assert "0 waiting" in done.out, done
            supabase.clear_faults()
            prices = {row["price"] for row in supabase.rows()}
            amounts = {
                f"{p.price / 100:.2f}".rstrip("0").rstrip(".") + "USD"
                for p in shop.all_products
            }
            assert prices == amounts
    counted("answers cut", offsets=len(list(offsets)), end_states_that_differ=0)


def test_one_poison_row_in_200(catwalk, configure, supabase):
    with ZaraShop(200, page_size=200) as shop:
        shop.fault("status", NO_PICTURE, status=404)
        bad = shop.all_products[137]
        supabase.control(
            "sql",
            sql=f"""
            create function public.refuse() returns trigger language plpgsql as $$
            begin
              if new.product_url like '%={bad.id}' then raise exception 'poison'; end if;
            return new; end $$;
            create trigger refuse before insert or update on products for each row execute function refuse();""",
        )
        configure(
            shop, None, sites_of(shop)
        )  # first without a sink, so that all rows are due at once
        assert catwalk(*SCRAPE).code == 3
        configure(shop, supabase, sites_of(shop), sink={"batch": 200})
        supabase.control("clear_log")
        done = catwalk(*SCRAPE)
        assert done.code == 3, done
        good = [p for p in shop.all_products if p is not bad]
        assert stored(supabase) == ids(good)
        (letter,) = catwalk("failed", "list", "--json").json
        assert "poison" in letter["sink_words"]
        posts = [
            seen
            for seen in supabase.requests("POST")
            if seen["path"] == "/rest/v1/products"
        ]
        landed = max(
            n for n, seen in enumerate(posts, 1) if seen["status"] in (200, 201)
        )
    counted("one poison row in 200", requests_until_199_landed=landed)
    assert landed <= 16


WHOLE_TABLE = {
    "a quota": [("respond", {"status": 402, "body": "quota"})],
    "a paused project": [("respond", {"status": 540, "body": "paused"})],
    "read only": [("sql_error", {"sqlstate": "25006"})],
    "a trigger without its target": "create function f() returns trigger language plpgsql as $$ begin "
    "insert into nowhere values (1); return new; end $$; create trigger t before insert on products "
    "for each row execute function f()",
    "a new column that must not be null": "alter table products add column shelf text not null",
    "a trigger that refuses every row": "create function f() returns trigger language plpgsql as $$ begin "
    "raise exception 'closed'; end $$; create trigger t before insert on products for each row execute function f()",
    "a constraint that no row meets": "alter table products add constraint none check (false) not valid",
    "no right to write": "revoke insert, update on products from service_role",
    "a renamed table": "alter table products rename to elsewhere",
    "a column's type": "alter table products alter column title type integer using null",
}


@pytest.mark.parametrize("kind", WHOLE_TABLE if LONG else list(WHOLE_TABLE)[2:6])
def test_a_fault_of_the_whole_table(catwalk, configure, supabase, kind):
    """Not one row becomes a dead letter, and all land once it is mended."""
    count = 1_000 if LONG else 200
    with ZaraShop(count, page_size=200) as shop:
        shop.fault("status", NO_PICTURE, status=404)
        configure(shop, None, sites_of(shop))
        assert catwalk(*SCRAPE).code == 3
        fault = WHOLE_TABLE[kind]
        if isinstance(fault, str):
            if "title type" in fault:
                supabase.control(
                    "sql", sql="alter table products alter column title drop not null"
                )
            supabase.control("sql", sql=fault)
        else:
            for name, settings in fault:
                supabase.fault(
                    name, method="POST", path="/rest/v1/products", **settings
                )
        configure(shop, supabase, sites_of(shop))
        parked = catwalk(*SCRAPE, "--wait", "30s")
        assert parked.code in (1, 3), parked
        letters = catwalk("failed", "list", "--json").json
        supabase.clear_faults()
        if isinstance(fault, str):
            supabase.control(
                "sql",
                sql="drop table if exists elsewhere cascade; drop table if exists products cascade",
            )
            supabase.create_table("catwalk")
        done = catwalk(*SCRAPE)
        assert "0 waiting" in done.out, done
        assert stored(supabase) == ids(shop.all_products)
    counted(kind, rows=count, dead_letters=len(letters))
    assert letters == []


def test_removals_beside_rows_that_a_new_column_refuses(catwalk, configure, supabase):
    """That the table removes rows says nothing about the two that it refuses: they wait."""
    with ZaraShop(40, page_size=40) as shop:
        shop.fault("status", NO_PICTURE, status=404)
        configure(shop, supabase, sites_of(shop))
        assert "0 waiting" in catwalk(*SCRAPE).out
        supabase.control(
            "sql",
            sql="alter table products add column shelf text; update products set shelf = 'a'; "
            "alter table products alter column shelf set not null",
        )
        listed = shop.products["2443335"]
        del listed[-10:]
        for product in listed[:2]:
            product.price += 100
        done = catwalk(*SCRAPE, "--sync", "--wait", "15s")
        assert "2 waiting" in done.out, done
        assert catwalk("failed", "list", "--json").json == []
        assert stored(supabase) == ids(listed)


def test_a_wrong_key_is_tried_once_a_minute(catwalk, configure, supabase, workdir):
    watched = 130 if LONG else 15
    with ZaraShop(20, page_size=20) as shop:
        shop.fault("status", NO_PICTURE, status=404)
        configure(shop, supabase, sites_of(shop))
        (workdir / "key").write_text("sb_secret_of_another_project")
        begun = time.time()
        catwalk.begin(*SCRAPE, "--wait", f"{watched + 20}s")
        time.sleep(watched)
        catwalk.stop_all()
        # Whatever it asks: with this key the table cannot even be looked at.
        asked = [seen for seen in supabase.requests() if seen["at"] > begun]
        assert asked, "the key was never tried"
        counted("a wrong key", seconds=watched, probes=len(asked))
        assert len(asked) <= watched // 60 + 2
        (workdir / "key").write_text(supabase.key)
        done = catwalk(*SCRAPE)
        assert "0 waiting" in done.out, done
        assert stored(supabase) == ids(shop.all_products)


def test_two_daemons_on_one_state_folder(catwalk, configure, supabase, shop):
    races = 50 if LONG else 10
    values = configure(shop, supabase)
    first = catwalk.daemon(values["port"], "--allow-untrained")
    slowest = 0.0
    for _ in range(races):
        second = catwalk("run", "--allow-untrained")
        assert second.code == 4, second
        assert str(first.pid) in second.err
        slowest = max(slowest, second.seconds)
    assert first.ended is None
    counted("two daemons", races=races, slowest_refusal=f"{slowest:.2f} s")
