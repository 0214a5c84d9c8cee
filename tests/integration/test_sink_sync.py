"""What a shop no longer lists leaves the sink, and nothing else does."""

import hashlib

import pytest
import yaml

from tests.integration.expectation import check_rows
from tests.integration.site_files import site_text
from tests.support.zara_shop import ZaraShop

SCRAPE = ("scrape", "Zara", "--allow-untrained")
SYNC = (*SCRAPE, "--sync")


def sites_of(shop, **more):
    """The predecessor's entry, with the shop's categories alone and other settings of the site."""
    (site,) = yaml.safe_load(site_text(shop))
    site["api"]["endpoints"] = [
        f"{shop.url}/us/en/category/{number}/products?ajax=true"
        for number in shop.products
    ]
    return yaml.safe_dump([{**site, **more}], sort_keys=False)


def ids(products, source="scraper"):
    return {
        hashlib.sha256(f"{source}:{product.id}".encode()).hexdigest()
        for product in products
    }


def stored(supabase):
    return {row["id"] for row in supabase.rows()}


def test_what_is_no_longer_listed_is_deleted(catwalk, configure, supabase, shop):
    configure(shop, supabase, sites_of(shop))
    assert catwalk(*SYNC).code == 0
    listed = shop.products["2443335"]
    gone, kept = listed[:10], listed[10:]
    listed[:] = kept
    # Neither a limited nor a dry run nor one without --sync deletes.
    assert catwalk(*SYNC, "--limit", "5").code == 0
    shown = catwalk(*SYNC, "--dry-run", "--json")
    assert shown.code == 0, shown
    assert set(shown.json["differences"]["gone"]) == ids(gone)
    assert catwalk(*SCRAPE).code == 0
    assert len(stored(supabase)) == 60
    done = catwalk(*SYNC)
    assert done.code == 0, done
    assert "10 are gone" in done.out
    check_rows(supabase.rows(), kept, "catwalk", shop.url)
    # What comes back is there again, with its vector, which was never made anew.
    listed[:] = gone + kept
    shop.clear_log()
    assert catwalk(*SYNC).code == 0
    check_rows(supabase.rows(), gone + kept, "catwalk", shop.url)
    assert shop.requests("image") == []


def test_a_dry_run_shows_what_is_new_changed_and_gone(
    catwalk, configure, supabase, shop
):
    configure(shop, supabase, sites_of(shop))
    assert catwalk(*SYNC).code == 0
    listed = shop.products["2443335"]
    listed[0].price += 100
    gone = listed.pop()
    supabase.control("clear_log")
    shown = catwalk(*SCRAPE, "--dry-run", "--explain")
    assert shown.code == 0, shown
    assert "changed by column: " in shown.out and "price 1" in shown.out
    assert f"gone     {next(iter(ids([gone])))} {gone.name}" in shown.out
    assert supabase.requests("POST") == [] and supabase.requests("DELETE") == []
    differences = catwalk(*SCRAPE, "--dry-run", "--json").json["differences"]
    assert set(differences["changed"]) == ids([listed[0]])
    assert differences["new"] == []


def test_too_many_deletes_raise_an_alarm_that_names_the_way(
    catwalk, configure, supabase, shop
):
    configure(shop, supabase, sites_of(shop))
    assert catwalk(*SYNC).code == 0
    kept = shop.products["2443335"][:30]
    shop.products["2443335"][:] = kept
    held = catwalk(*SYNC)
    assert held.code == 3, held
    assert "catwalk scrape Zara --sync --allow-deletes 30" in held.out
    assert len(stored(supabase)) == 60
    wrong = catwalk(*SYNC, "--allow-deletes", "29")
    assert wrong.code == 3 and len(stored(supabase)) == 60, wrong
    done = catwalk(*SYNC, "--allow-deletes", "30")
    assert done.code == 0, done
    check_rows(supabase.rows(), kept, "catwalk", shop.url)


def test_two_brands_that_share_a_source(catwalk, configure, supabase, shop):
    """The predecessor deleted by `source`, and with it the other brand's rows."""
    with ZaraShop(categories={"2419940": 30}, seed=2) as other:
        configure(shop, supabase, sites_of(shop) + sites_of(other, brand="Bershka"))
        assert catwalk("scrape", "--sync", "--allow-untrained").code == 0
        assert len(stored(supabase)) == 90
        shop.products["2443335"][:] = shop.products["2443335"][5:]
        other.products["2419940"][:] = other.products["2419940"][3:]
        done = catwalk("scrape", "Bershka", "--sync", "--allow-untrained")
        assert done.code == 0, done
        assert len(stored(supabase)) == 87
        assert ids(shop.products["2443335"]) <= stored(supabase)
        done = catwalk("scrape", "--sync", "--allow-untrained")
        assert done.code == 0, done
        assert stored(supabase) == ids(shop.products["2443335"]) | ids(
            other.products["2419940"]
        )


def countries_of(us, cz, **more):
    """Two sites that are one shop's two countries: products of both are one row."""
    both = {"countries": ["us", "cz"], **more}
    return sites_of(us, name="Zara us", **both) + sites_of(
        cz, name="Zara cz", **{**both, "country": "cz"}
    )


def by_country(supabase):
    found = {}
    for row in supabase.rows():
        found.setdefault(row["country"], set()).add(row["id"])
    return found


SYNC_ALL = ("scrape", "--sync", "--allow-untrained")


def test_what_one_country_no_longer_lists_stays_for_the_other(
    catwalk, configure, supabase
):
    with ZaraShop(20, page_size=20) as us, ZaraShop(20, page_size=20) as cz:
        for shop in (us, cz):
            shop.fault("status", "/assets/", status=404)  # rows alone
        configure(
            None,
            supabase,
            countries_of(us, cz),
            sync={"max_delete_fraction": 0.9},
        )
        catwalk(*SYNC_ALL)
        in_us, in_cz = us.products["2443335"], cz.products["2443335"]
        every = ids(in_us)
        assert by_country(supabase) == {"us": every}
        # Five leave the first country, three others the second.
        left_us, left_cz = ids(in_us[:5]), ids(in_cz[5:8])
        del in_us[:5]
        del in_cz[5:8]
        catwalk(*SYNC_ALL)
        assert stored(supabase) == every
        # Two of the five leave the second as well, and are gone then; so are the first of the three.
        gone = ids(in_cz[:2]) | ids(in_us[:1])
        assert len(gone) == 3
        del in_cz[:2]
        del in_us[:1]
        # The first country decides: where it is read before the second has lost a product, in its next run.
        for _ in range(2):
            catwalk(*SYNC_ALL)
        kept = every - gone
        assert stored(supabase) == kept
        # The second country's listing breaks: what it used to hold stays.
        cz.fault("status", "/category/", status=403)
        only_us = ids(in_us) - ids(in_cz)
        del in_us[:]
        in_us.extend(cz.products["2443335"][-2:])
        done = catwalk(*SYNC_ALL)
        assert done.code == 3, done
        assert stored(supabase) == kept - only_us


def test_a_row_moves_to_the_country_that_still_lists_it(catwalk, configure, supabase):
    with ZaraShop(6) as us, ZaraShop(6) as cz:
        for shop in (us, cz):
            shop.fault("status", "/assets/", status=404)
        configure(
            None, supabase, countries_of(us, cz), sync={"max_delete_fraction": 0.9}
        )
        catwalk(*SYNC_ALL)
        lost = ids(us.products["2443335"][:2])
        del us.products["2443335"][:2]
        for _ in range(2):  # the countries are read at once, so that the first may come too late
            catwalk(*SYNC_ALL)
        assert by_country(supabase) == {"us": ids(us.products["2443335"]), "cz": lost}
        moved = [row for row in supabase.rows() if row["id"] in lost]
        assert all(row["product_url"].startswith(cz.url) for row in moved)


def test_too_many_of_one_country_hold_up_no_other(catwalk, configure, supabase):
    with ZaraShop(20) as us, ZaraShop(categories={"2419940": 20}) as cz:
        for shop in (us, cz):
            shop.fault("status", "/assets/", status=404)
        configure(None, supabase, countries_of(us, cz))
        catwalk(*SYNC_ALL)
        in_us, in_cz = us.products["2443335"], cz.products["2419940"]
        assert by_country(supabase) == {"us": ids(in_us), "cz": ids(in_cz)}
        of_cz = ids(in_cz)
        del in_us[:2]
        del in_cz[:15]
        held = catwalk(*SYNC_ALL)
        assert held.code == 3, held
        assert "--allow-deletes 15" in held.out + held.err
        assert by_country(supabase) == {"us": ids(in_us), "cz": of_cz}
        catwalk("scrape", "Zara cz", "--sync", "--allow-untrained", "--allow-deletes", "15")
        assert by_country(supabase) == {"us": ids(in_us), "cz": ids(in_cz)}


def test_five_thousand_rows_against_max_rows(catwalk, configure, supabase):
    """PostgREST cuts every answer at 1,000 rows, silently; deletes do not depend on reading them."""
    with ZaraShop(5_000, page_size=500) as shop:
        configure(shop, supabase, sites_of(shop), sink={"batch": 500})
        for product in shop.all_products:
            product.version = 1
        shop.fault(
            "status", r"/assets/", status=404
        )  # rows alone: pictures are not the matter here
        first = catwalk("scrape", "Zara", "--sync", "--allow-untrained", timeout=600)
        assert first.code == 3, first
        assert len(stored(supabase)) == 5_000
        listed = shop.products["2443335"]
        listed[:] = listed[1_200:]
        done = catwalk("scrape", "Zara", "--sync", "--allow-untrained", timeout=600)
        assert "1200 are gone" in done.out, done
        assert stored(supabase) == ids(listed)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 403},
        {"kind": "html"},
        {"kind": "truncate"},
        {
            "kind": "body",
            "body": b'{"productGroups": []}',
            "headers": {"Content-Type": "application/json"},
        },
    ],
    ids=lambda fault: str(fault.get("status", fault["kind"])),
)
def test_an_endpoint_that_breaks_half_way(catwalk, configure, supabase, fault):
    """Nothing that it used to list is deleted; the other endpoint goes on."""
    with ZaraShop(categories={"2443335": 40, "2419940": 40}, page_size=20) as shop:
        configure(shop, supabase, sites_of(shop))
        assert catwalk(*SYNC).code == 0
        assert len(stored(supabase)) == 80
        whole, broken = shop.products["2443335"], shop.products["2419940"]
        used_to_list = ids(broken)
        # Ten are sold out in each; the second listing breaks on its second page, where products moved to.
        whole[:] = whole[10:]
        broken[:] = broken[10:]
        page = "" if fault["kind"] == "body" else ".*page=2"
        shop.fault(path=f"2419940/products{page}", **fault)
        catwalk(*SYNC)
        left = stored(supabase)
        print(
            f"deleted of the broken listing: {len(used_to_list - left)}, of the whole one: {80 - len(left)}"
        )
        assert used_to_list <= left
        assert left - used_to_list == ids(whole)
        shop.clear_faults()
        assert catwalk(*SYNC).code == 0
        assert stored(supabase) == ids(whole) | ids(broken)


def test_a_retired_category_neither_deletes_nor_blocks(catwalk, configure, supabase):
    with ZaraShop(categories={"2443335": 40, "2419940": 10}, page_size=20) as shop:
        configure(shop, supabase, sites_of(shop))
        assert catwalk(*SYNC).code == 0
        retired = shop.products["2419940"]
        for _ in range(3):
            shop.products["2443335"].pop()
            shop.fault("status", r"2419940/products", status=404)
            assert catwalk(*SYNC).code == 3
            assert stored(supabase) == ids(shop.products["2443335"]) | ids(retired)
        # Its products go when its address leaves sites.yaml.
        del shop.products["2419940"]
        configure(shop, supabase, sites_of(shop))
        done = catwalk(*SYNC)
        assert done.code == 0, done
        assert stored(supabase) == ids(shop.products["2443335"])


def test_a_row_that_the_app_still_uses_is_marked(catwalk, configure, supabase, shop):
    configure(shop, supabase, sites_of(shop))
    assert catwalk(*SYNC).code == 0
    listed = shop.products["2443335"]
    used = ids(listed[:1]).pop()
    supabase.control(
        "sql",
        sql=f"""
        create table public.saved (product text references products (id));
        insert into public.saved values ('{used}');""",
    )
    listed[:] = listed[3:]
    done = catwalk(*SYNC)
    assert done.code == 0, done
    assert used in done.err and "still points at" in done.err
    assert stored(supabase) == ids(listed) | {used}
    row = next(row for row in supabase.rows() if row["id"] == used)
    assert row["availability"] == "out_of_stock"


def test_marking_instead_of_deleting(catwalk, configure, supabase, shop):
    configure(shop, supabase, sites_of(shop), sync={"action": "mark"})
    assert catwalk(*SYNC).code == 0
    listed = shop.products["2443335"]
    gone = ids(listed[:2])
    listed[:] = listed[2:]
    assert catwalk(*SYNC).code == 0
    rows = {row["id"]: row for row in supabase.rows()}
    assert len(rows) == 60
    assert all(rows[name]["availability"] == "out_of_stock" for name in gone)
    assert all(rows[name]["image_embedding"] for name in gone)


def test_marking_is_refused_without_the_column(catwalk, configure, supabase, shop):
    supabase.create_table("2026-02", width=512)
    configure(shop, supabase, sites_of(shop), sync={"action": "mark"})
    done = catwalk(*SYNC)
    assert done.code == 2, done
    assert "availability" in done.err
