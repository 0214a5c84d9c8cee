"""`catwalk probe`: what it says of an address, and that what it prints works when pasted."""

import json

import pytest
import yaml

from tests.support.loopback_http import AnsweringServer
from tests.support.shopify_shop import ShopifyShop
from tests.support.zara_shop import ZaraShop


class Pages(AnsweringServer):
    """Serves texts by path; a path that is missing is 404."""

    def __init__(self, pages):
        self.pages = {path: text.encode() for path, text in pages.items()}
        super().__init__()

    def answer(self, target, _):
        body = self.pages.get(target)
        return (200, {}, body) if body is not None else (404, {}, b"not found")


@pytest.fixture
def probe(catwalk, configure, workdir):
    """probe(URL): its answer, after the stanza that it printed was read with by `scrape`."""

    def run(url, products):
        configure(sites="- { brand: Other, feed: 'http://127.0.0.1:1/' }\n")
        done = catwalk("probe", url, "--json", "--write", workdir / "sites.yaml")
        assert done.code == 0, done
        found = json.loads(done.out)
        assert found["rows"] and len(found["rows"]) == min(3, products)
        sites = yaml.safe_load((workdir / "sites.yaml").read_text())
        assert [site["brand"] for site in sites][0] == "Other"
        assert sites[1] == yaml.safe_load(found["stanza"])[0]
        read = catwalk("scrape", "--dry-run", "--json", sites[1]["brand"])
        assert read.code == 0, read
        assert json.loads(read.out)["sites"][0]["products"] == products
        return found

    return run


def test_a_shopify_shop_from_any_of_its_pages(probe):
    with ShopifyShop(12) as shop:
        for page in ("/", "/products.json", "/products.json?limit=250&page=1"):
            found = probe(shop.url + page, 12)
            assert found["kind"] == "shopify"
            assert found["rows"][0]["title"] == "Coat 1"
            assert found["rows"][0]["price"] == "21.00EUR"
        assert probe(shop.url + "/collections/first", 8)["kind"] == "shopify"


class UnderAPath(ShopifyShop):
    def answer(self, target, seen):
        if not target.startswith("/uk/outlet"):
            return 404, {}, b"not found"
        return super().answer(target.removeprefix("/uk/outlet") or "/", seen)


def test_a_shopify_shop_under_a_path(probe):
    with UnderAPath(12) as shop:
        for page in ("/uk/outlet", "/uk/outlet/", "/uk/outlet/coats", "/uk/outlet/products/coat-1"):
            found = probe(shop.url + page, 12)
            assert found["kind"] == "shopify"
            assert yaml.safe_load(found["stanza"])[0]["shopify"] == shop.url + "/uk/outlet"
        assert probe(shop.url + "/uk/outlet/collections/first", 8)["kind"] == "shopify"


def test_a_feed(probe):
    lines = ["id\ttitle\tlink\timage_link\tprice"]
    lines += [f"{n}\tCoat {n}\thttps://s.example/{n}\thttps://c.example/{n}.jpg\t9.90 EUR" for n in range(1, 6)]
    with Pages({"/feed.tsv": "\n".join(lines)}) as pages:
        found = probe(pages.url + "/feed.tsv", 5)
    assert found["kind"] == "feed"
    assert found["rows"][2]["price"] == "9.90EUR"


def test_a_json_api_of_a_shape_never_seen_before(probe):
    items = [
        {
            "sku": f"A{n}",
            "attributes": {"name": f"Coat {n}", "price": {"amount": 49.5, "currency": "EUR"}},
            "media": [{"src": f"/img/{n}.jpg"}, {"src": f"/img/{n}b.jpg"}],
            "url": f"/p/{n}",
        }
        for n in range(1, 8)
    ]
    with Pages({"/api": json.dumps({"meta": {"total": 7}, "result": {"hits": items}})}) as pages:
        found = probe(pages.url + "/api", 7)
        assert found["kind"] == "api"
        row = found["rows"][0]
        assert (row["title"], row["price"]) == ("Coat 1", "49.5EUR")
        assert row["image_url"] == pages.url + "/img/1.jpg"
        assert row["product_url"] == pages.url + "/p/1"


def test_zaras_format(probe):
    with ZaraShop(10) as shop:
        found = probe(f"{shop.url}/us/en/category/2443335/products?ajax=true", 10)
    assert found["kind"] == "api"
    assert found["rows"][0]["image_url"].startswith(shop.url + "/assets/")


PAGE = """<html><head><script type="application/ld+json">{"@type": "Product", "name": "Coat %(n)s", "sku": "%(n)s",
"image": "/i/%(n)s.jpg", "offers": {"@type": "Offer", "price": "49.90", "priceCurrency": "EUR"}}</script></head></html>"""


def test_a_shop_that_says_what_it_sells_for_machines(probe):
    pages = {f"/p/{n}": PAGE % {"n": n} for n in range(1, 5)}
    pages["/"] = "<html><title>A shop</title><a href='/p/1'>one</a></html>"
    with Pages(pages) as shop:
        urls = "".join(f"<url><loc>{shop.url}/p/{n}</loc></url>" for n in range(1, 5))
        shop.pages["/maps.xml"] = f"<urlset>{urls}</urlset>".encode()
        shop.pages["/robots.txt"] = f"User-agent: *\nSitemap: {shop.url}/maps.xml\n".encode()
        found = probe(shop.url, 4)
        assert found["kind"] == "sitemap"
        assert found["rows"][0]["price"] == "49.90EUR"
        assert probe(shop.url + "/p/2", 1)["kind"] == "html"


def test_what_fits_nothing_says_what_was_tried(catwalk, configure):
    configure(sites="- { brand: Other, feed: 'http://127.0.0.1:1/' }\n")
    with Pages({"/": "<html><title>A blog</title></html>"}) as pages:
        done = catwalk("probe", pages.url)
    assert done.code == 1, done
    assert "found no products" in done.err
    assert "/products.json" in done.err or "404" in done.err
