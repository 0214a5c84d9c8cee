"""Sites of the kind `shopify`: what arrives, what a second run does, limited and refusing shops."""

import json

import pytest

from tests.support.catwalk_binary import wait_until
from tests.support.shopify_shop import ShopifyShop


def sites(shop, **more):
    lines = ["- brand: Acme", "  source: acme", f"  shopify: {shop.url}"]
    return "\n".join(lines + [f"  {name}: {value}" for name, value in more.items()]) + "\n"


@pytest.fixture
def shop():
    with ShopifyShop(40) as running:
        yield running


def test_rows_of_a_shopify_shop(catwalk, configure, supabase, shop):
    configure(shop, supabase, sites=sites(shop, country="cz"))
    first = catwalk("scrape", "--allow-untrained")
    assert first.code == 0, first
    rows = {row["title"]: row for row in supabase.rows()}
    assert len(rows) == 40
    for number in (1, 3, 5, 7):
        row = rows[f"Coat {number}"]
        before, price = f"{40 + number % 50}.00EUR", f"{20 + number % 50}.00EUR"
        assert row["price"] == (before if number % 3 == 0 else price)
        assert row["sale"] == (price if number % 3 == 0 else None)
        assert row["gender"] == ("men" if number % 7 == 0 else "women")
        assert row["size"] == "S, M"
        assert row["description"] == f"Coat & belt, number {number}"
        assert row["brand"] == "Acme"
        assert row["product_url"] == f"{shop.url}/products/coat-{number}"
        assert row["image_url"] == f"{shop.url}/pictures/{number}.jpg"
        assert row["availability"] == ("in_stock" if number % 5 else "out_of_stock")
        assert row["image_embedding"] is not None
    # 40 on the first page may be all that the shop gives on a page: the second says that it is the end.
    assert shop.pages() == ["/products.json?limit=250", "/products.json?limit=250&page=2"]

    shop.clear_log()
    supabase.control("clear_log")
    second = catwalk("scrape", "--allow-untrained")
    assert second.code == 0, second
    assert supabase.writes() == {}
    assert shop.pictures() == []


def test_a_shop_that_limits_its_listing_is_read_by_collection(catwalk, configure):
    with ShopifyShop(30, limited=True) as shop:
        configure(shop, sites=sites(shop, currency="USD"))
        done = catwalk("scrape", "--dry-run")
        assert done.code == 0, done
        assert "Acme: 40 products on 2 page(s)" in done.out
        assert "reading it by collection" in done.err
        assert not [path for path in shop.seen if path.startswith("/meta")]


def test_a_shop_that_names_no_currency_says_what_to_do(catwalk, configure):
    with ShopifyShop(3, currency=None) as shop:
        configure(shop, sites=sites(shop))
        done = catwalk("scrape", "--dry-run")
        assert done.code == 3, done
        assert "set currency: at the site" in done.err + done.out
        configure(shop, sites=sites(shop, currency="USD"))
        assert "3 products" in catwalk("scrape", "--dry-run").out


def test_a_refusing_shop_is_called_so(catwalk, configure, shop):
    shop.refuse = "products.json"
    configure(shop, sites=sites(shop))
    done = catwalk("scrape", "--dry-run")
    assert done.code == 3, done
    assert "an Akamai block page" in done.err + done.out


def test_a_ban_stands_in_health_until_the_shop_answers_again(catwalk, configure, shop):
    shop.refuse = "products.json"
    every_minute = {"timezone": "UTC", "jobs": [{"name": "often", "cron": "* * * * *", "jitter": "0s"}]}
    settings = configure(shop, sites=sites(shop), schedule=every_minute)
    daemon = catwalk.daemon(settings["port"])

    def site():
        return json.loads(daemon.get("/health")[2])["sites"].get("Acme", {})

    note = wait_until(lambda: site().get("blocked"), 90, "the site was not marked as blocked")
    assert "Akamai block page" in note["seen"]
    assert note["since"] > 1_700_000_000
    shop.refuse = None
    wait_until(lambda: site().get("products") and "blocked" not in site(), 90, "the mark stayed")
    assert daemon.terminate() == 0, daemon.err
