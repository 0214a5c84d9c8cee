"""`catwalk probe`: what it says of an address, and that what it prints works when pasted."""

import json
import shutil
import tempfile

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


def items(count, **more):
    return [
        {"id": f"A{n}", "name": f"Coat {n}", "price": 49.5, "img": f"/i/{n}.jpg", "href": f"/coat-{n}"} | more
        for n in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("script", "path"),
    [
        (
            '<script id="__NEXT_DATA__" type="application/json">{"props": {"pageProps": {"list": %s}}}</script>',
            "__NEXT_DATA__.props.pageProps.list[]",
        ),
        ('<script>window.__STATE__ = {"catalog": {"hits": %s}};</script>', "__STATE__.catalog.hits[]"),
    ],
    ids=["__NEXT_DATA__", "a variable"],
)
def test_products_in_the_scripts_of_a_page(probe, script, path):
    page = f"<html><title>Coats</title><div id=app></div>{script % json.dumps(items(7))}</html>"
    with Pages({"/coats": page, "/": page}) as shop:
        for address in ("/coats", "/"):
            found = probe(shop.url + address, 7)
            assert found["kind"] == "api"
            (stanza,) = yaml.safe_load(found["stanza"])
            assert stanza["api"]["items_path"] == path
            row = found["rows"][0]
            assert (row["title"], row["price"]) == ("Coat 1", "49.5EUR")
            assert row["image_url"] == shop.url + "/i/1.jpg"
            assert row["product_url"] == shop.url + "/coat-1"


def test_items_that_have_an_address_and_no_id(probe):
    listed = [{key: value for key, value in one.items() if key != "id"} for one in items(4)]
    page = f"<html><script>var SHOP = {json.dumps({'coats': listed})}</script></html>"
    with Pages({"/coats": page}) as shop:
        found = probe(shop.url + "/coats", 4)
    assert found["rows"][2]["title"] == "Coat 3"


def test_a_front_page_that_links_product_pages(probe):
    pages = {f"/item/{n}": PAGE % {"n": n} for n in range(1, 5)}
    links = "".join(f"<a href='/item/{n}'>Coat {n}</a>" for n in range(1, 5))
    more = "".join(f"<a href='/help/{n}'>Help {n}</a>" for n in range(1, 9))
    pages["/"] = f"<html><title>A shop</title>{more}{links}</html>"
    with Pages(pages) as shop:
        found = probe(shop.url, 4)
        assert found["kind"] == "html"
        (stanza,) = yaml.safe_load(found["stanza"])
        assert stanza["html"]["product_link_selector"] == 'a[href*="/item/"]'


CARD = """<li class="tile tile--%(n)s"><a href="/coat-%(n)s"><img src="/i/%(n)s.jpg" alt="x"></a>
<h2 class="tile-name">Coat %(n)s</h2><s>99,90 Kč</s> <b class="now">%(n)s49,90 Kč</b></li>"""


def test_a_grid_of_cards(probe):
    grid = "".join(CARD % {"n": n} for n in range(1, 6))
    with Pages({"/coats": f"<html><nav><a href='/'><img src='/logo.png'></a></nav><ul>{grid}</ul></html>"}) as shop:
        found = probe(shop.url + "/coats", 5)
    assert found["kind"] == "html"
    row = found["rows"][1]
    assert (row["title"], row["price"]) == ("Coat 2", "249.90CZK")
    assert row["image_url"] == shop.url + "/i/2.jpg"
    assert row["product_url"] == shop.url + "/coat-2"


def test_a_page_that_is_not_there(catwalk, configure):
    configure(sites="- { brand: Other, feed: 'http://127.0.0.1:1/' }\n")
    with Pages({"/": "<html><title>A shop</title></html>"}) as pages:
        done = catwalk("probe", pages.url + "/a/b/none")
    assert done.code == 1, done
    assert "there is no such page" in done.err and "the shop answered 404" in done.err
    assert done.err.count("shopify:") == 1, done


@pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium is not installed")
def test_a_page_whose_products_come_by_script(probe, monkeypatch):
    script = """<script>
      const card = (n) => `<li class="tile"><a href="/coat-${n}"><img src="/i/${n}.jpg"></a>
        <h2>Coat ${n}</h2><b class="now">${n}9 €</b></li>`;
      document.querySelector('ul').innerHTML = [1, 2, 3, 4].map(card).join('');
    </script>"""
    page = f"<html><meta charset=utf-8><ul></ul>{script}</html>"
    with tempfile.TemporaryDirectory(prefix="cw-") as short, Pages({"/coats": page}) as shop:
        monkeypatch.setenv("TMPDIR", short)
        found = probe(shop.url + "/coats", 4)
    assert found["kind"] == "html"
    (stanza,) = yaml.safe_load(found["stanza"])
    assert stanza["html"]["use_browser"] is True
    assert found["rows"][0]["price"] == "19EUR"
