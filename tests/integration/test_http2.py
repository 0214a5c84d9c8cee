"""Shops and the sink behind HTTP/2: requests share a connection, and what that protocol can do to them is survived."""

import contextlib
from urllib.parse import urlsplit

import pytest

from tests.support.http2_front import Http2Front
from tests.support.shopify_shop import ShopifyShop, make_product

PRODUCTS = 60


@contextlib.contextmanager
def shop_behind(folder, **faults):
    with ShopifyShop(PRODUCTS) as shop, Http2Front(shop.port, folder, **faults) as front:
        shop.products = [make_product(number, front.url) for number in range(1, PRODUCTS + 1)]
        yield shop, front


def site(url):
    return f"- brand: Acme\n  source: acme\n  shopify: {url}\n  country: cz\n"


def scrape(catwalk, front):
    return catwalk("scrape", "--allow-untrained", env={"SSL_CERT_FILE": str(front.certificate)})


def all_there(supabase):
    rows = supabase.rows()
    return len(rows) == PRODUCTS and all(row["image_embedding"] for row in rows)


def test_a_shop_is_read_over_http2(catwalk, configure, supabase, tmp_path):
    with shop_behind(tmp_path) as (shop, front):
        configure(shop, supabase, sites=site(front.url))
        done = scrape(catwalk, front)
        assert done.code == 0, done
        assert all_there(supabase)
        counts = front.counts()
        print(f"\nrequests {counts['requests']}, connections {counts['connections']}")
        assert counts["requests"] > PRODUCTS
        assert counts["other_versions"] == 0
        # As many as may be dialled to a host at once, for pages and for pictures.
        assert counts["connections"] <= 9


@pytest.mark.parametrize("fault, every", [("goaway", 5), ("refuse", 9), ("cut", 7)])
def test_what_http2_can_do_to_a_request(catwalk, configure, supabase, tmp_path, fault, every):
    with shop_behind(tmp_path, **{fault: every}) as (shop, front):
        configure(shop, supabase, sites=site(front.url))
        done = scrape(catwalk, front)
        counts = front.counts()
        print(f"\n{counts}")
        assert done.code == 0, done
        assert all_there(supabase)
        assert counts[fault if fault != "refuse" else "refused"] >= 3


def test_rows_with_vectors_reach_supabase_over_http2(catwalk, configure, supabase, tmp_path):
    # Bodies are larger than a stream's window: they wait for the server.
    with ShopifyShop(250) as shop, Http2Front(urlsplit(supabase.url).port, tmp_path) as front:
        configure(shop, supabase, sites=site(shop.url), sink={"url": front.url})
        done = scrape(catwalk, front)
        assert done.code == 0, done
        counts = front.counts()
        print(f"\n{counts}")
        assert counts["requests"] >= 2 and counts["other_versions"] == 0
        rows = supabase.rows()
        assert len(rows) == 250 and all(row["image_embedding"] for row in rows)
