"""`catwalk sink adopt`: a table that is full already is neither rewritten nor embedded anew, nor orphaned."""

import hashlib
import shutil

import pytest
import yaml

from tests.integration.expectation import check_rows
from tests.integration.site_files import site_text
from tests.integration.test_sink_sync import SYNC, ids, sites_of, stored
from tests.support.zara_shop import ZaraShop

DATES = {"catwalk": "2026-02", "2026-02": "2026-02", "2025-10": "2025-10"}


@pytest.fixture
def small_shop():
    with ZaraShop(30, page_size=20) as shop:
        yield shop


def sites(shop, layout):
    (site,) = yaml.safe_load(site_text(shop, DATES[layout]))
    site["api"].pop("endpoint", None)
    site["api"]["endpoints"] = [
        f"{shop.url}/us/en/category/{number}/products?ajax=true"
        for number in shop.products
    ]
    return yaml.safe_dump([site], sort_keys=False)


def forget(workdir):
    """Another machine: the table is there, catwalk's state is not."""
    shutil.rmtree(workdir / "state")


@pytest.mark.parametrize("vectors", [True, False], ids=["vectors", "rows alone"])
@pytest.mark.parametrize("layout", DATES)
def test_what_did_not_change_is_left_alone(
    catwalk, configure, supabase, small_shop, workdir, layout, vectors
):
    supabase.create_table(layout, width=512)
    # Triggers that call out and row security are there, as in the wild; neither is in the way.
    supabase.control(
        "sql",
        sql="create table calls (n int); create function net_call() returns trigger language plpgsql as "
        "$$ begin insert into calls values (1); return new; end $$; "
        "create trigger call_out after insert or update on products for each row execute function net_call(); "
        "grant all on calls to service_role",
    )
    configure(small_shop, supabase, sites(small_shop, layout))
    assert catwalk(*SYNC).code == 0
    before = supabase.rows()
    forget(workdir)
    supabase.control("clear_log")
    small_shop.clear_log()
    adopted = catwalk("sink", "adopt", "--json", *(["--vectors"] if vectors else []))
    assert adopted.code == 0, adopted
    assert adopted.json["adopted"] == 30
    assert adopted.json["vectors"] == (30 if vectors else 0)
    listed = small_shop.products["2443335"]
    listed[0].price += 100
    gone = listed.pop()
    shown = catwalk(*SYNC, "--dry-run")
    assert "0 new, 1 changed, 28 unchanged" in shown.out, shown
    assert "changed by column: " in shown.out
    done = catwalk(*SYNC)
    assert done.code == 0, done
    assert "1 changed" in done.out and "1 are gone" in done.out
    assert small_shop.requests("image") == [], "a vector that is there was made again"
    print(f"rows written: {sum(supabase.writes().values())} of 30")
    assert sum(supabase.writes().values()) == 1
    key = "external_id" if layout == "2025-10" else "id"
    left = {row[key]: row for row in supabase.rows()}
    assert len(left) == 29
    assert (str(gone.id) if layout == "2025-10" else ids([gone]).pop()) not in left
    changed = {row[key] for row in before if row[key] in left and row != left[row[key]]}
    assert len(changed) == 1


def test_ids_of_an_older_rule_are_kept(
    catwalk, configure, supabase, small_shop, workdir
):
    configure(small_shop, supabase, sites_of(small_shop))
    assert catwalk(*SYNC).code == 0
    for (address,) in supabase.sql("select product_url from products"):
        older = hashlib.sha256(f"scraper:{address}".encode()).hexdigest()
        supabase.sql(
            "update products set id = %s where product_url = %s", (older, address)
        )
    kept = stored(supabase)
    forget(workdir)
    supabase.control("clear_log")
    small_shop.clear_log()
    assert catwalk("sink", "adopt").code == 0
    listed = small_shop.products["2443335"]
    listed[0].price += 100
    listed.pop()
    done = catwalk(*SYNC)
    assert done.code == 0, done
    assert small_shop.requests("image") == []
    assert len(stored(supabase)) == 29 and stored(supabase) <= kept
    assert sum(supabase.writes().values()) == 1


def test_rows_of_no_site_are_left_alone(
    catwalk, configure, supabase, small_shop, workdir
):
    configure(small_shop, supabase, sites_of(small_shop))
    assert catwalk(*SYNC).code == 0
    supabase.sql(
        "insert into products (id, source, title, image_url, product_url) values ('theirs', 'another', 't', 'i', 'u')"
    )
    forget(workdir)
    adopted = catwalk("sink", "adopt")
    assert adopted.code == 3, adopted
    assert "1 belong to no site" in adopted.out
    assert catwalk(*SYNC).code == 0
    assert "theirs" in stored(supabase)


def test_an_incomplete_run_deletes_no_adopted_row(
    catwalk, configure, supabase, workdir
):
    with ZaraShop(categories={"2443335": 20, "2419940": 20}, page_size=20) as shop:
        configure(shop, supabase, sites_of(shop))
        assert catwalk(*SYNC).code == 0
        forget(workdir)
        assert catwalk("sink", "adopt").code == 0
        shop.fault("status", "2419940/products", status=403)
        assert catwalk(*SYNC).code == 3
        assert len(stored(supabase)) == 40


def test_search_finds_adopted_vectors(
    catwalk, configure, supabase, small_shop, workdir
):
    configure(small_shop, supabase, sites_of(small_shop))
    assert catwalk(*SYNC).code == 0
    forget(workdir)
    assert catwalk("sink", "adopt", "--vectors").code == 0
    assert catwalk(*SYNC).code == 0
    check_rows(supabase.rows(), small_shop.all_products, "catwalk", small_shop.url)
    found = catwalk("search", "--id", ids(small_shop.all_products[:1]).pop(), "--json")
    assert found.code == 0, found


def test_more_rows_than_the_sink_gives_at_once(
    catwalk, configure, supabase, small_shop, workdir
):
    """max-rows cuts every answer without a word; what lies beyond is adopted all the same."""
    configure(small_shop, supabase, sites_of(small_shop))
    assert catwalk(*SYNC).code == 0
    before = supabase.rows()
    forget(workdir)
    supabase.control("settings", max_rows=7)
    adopted = catwalk("sink", "adopt", "--vectors", "--json")
    assert adopted.code == 0, adopted
    assert (adopted.json["adopted"], adopted.json["vectors"]) == (30, 30)
    supabase.control("clear_log")
    small_shop.clear_log()
    assert catwalk(*SYNC).code == 0
    assert small_shop.requests("image") == []
    assert supabase.writes() == {} and supabase.rows() == before


def test_the_first_run_over_a_full_table_says_what_it_will_do(
    catwalk, configure, supabase, small_shop, workdir
):
    small_shop.fault("status", r"/assets/", status=404)  # rows alone
    configure(small_shop, supabase, sites_of(small_shop))
    first = catwalk(*SYNC)
    assert "does not know" not in first.err, "the table was empty"
    assert len(stored(supabase)) == 30
    forget(workdir)
    warned = catwalk(*SYNC)
    (warning,) = [
        line for line in warned.err.splitlines() if "that catwalk does not know" in line
    ]
    assert "holds 30 rows" in warning and "`catwalk sink adopt`" in warning
    assert "warn" in warning
    again = catwalk(*SYNC)
    assert "does not know" not in again.err, "it knows them by now"
    forget(workdir)
    assert catwalk("sink", "adopt").code == 0
    adopted = catwalk(*SYNC)
    assert "does not know" not in adopted.err, "they were adopted"
