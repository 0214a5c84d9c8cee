"""`catwalk scrape` over shops that serve HTML: cards, links to product pages, JSON-LD, and pages that are broken."""

import json

import pytest
import yaml

from tests.support.html_shop import HtmlShop

SCRAPE = ("scrape", "Things", "--allow-untrained")


@pytest.fixture
def html_shop():
    with HtmlShop() as running:
        yield running


@pytest.fixture
def rows_of(catwalk, configure, workdir):
    """rows_of(html section, **site): runs the site and gives (the finished process, the rows by external id)."""

    def run(html, *more, **site):
        stanza = {"brand": "Things", "source": "scraper", "respect_robots": False, "html": html} | site
        configure(sites=yaml.safe_dump([stanza], sort_keys=False, allow_unicode=True))
        file = workdir / "rows.jsonl"
        done = catwalk(*SCRAPE, "--output", file, *more)
        rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return done, {row["product_url"]: row for row in rows}

    return run


CARDS = {
    "product_selector": ".product-item",
    "product_selectors": {
        "external_id": "[data-product-id]",
        "title": "h3",
        "price": ".price",
        "image": "img",
        "size": ".size",
        "brand": "'Things'",
        "currency": "'EUR'",
    },
}


def test_cards_on_category_pages(rows_of, html_shop):
    done, rows = rows_of({"category_urls": [f"{html_shop.url}/collections/cards"], **CARDS})
    assert done.code == 0, done
    assert len(rows) == html_shop.products
    row = rows[f"{html_shop.url}/products/thing-7?from=grid"]
    assert row["title"] == "Thing & co. 7"
    assert row["price"] == "27.70EUR"
    assert row["image_url"] == f"{html_shop.url}/img/7-800.jpg"
    assert row["size"] == "S, M"
    assert row["brand"] == "Things"
    assert html_shop.requests["/collections/cards?page=3"] == 1
    assert not any(address.startswith("/products/") for address in html_shop.requests)


def test_links_to_product_pages_and_a_second_run_that_asks_conditionally(rows_of, html_shop):
    html = {
        "category_urls": [f"{html_shop.url}/collections/links"],
        "product_link_selector": "a.more",
        "product_selectors": {"title": "h1", "description": ".about", "price": ".price", "image": "img"},
    }
    done, rows = rows_of(html)
    assert done.code == 0, done
    assert len(rows) == html_shop.products
    row = rows[f"{html_shop.url}/products/thing-3"]
    assert (row["title"], row["price"], row["availability"]) == ("Thing 3", "23.30CZK", "out_of_stock")
    assert row["description"] == "About 3."
    assert row["image_url"] == f"{html_shop.url}/img/3.jpg"
    assert json.loads(row["additional_images"]) == [f"{html_shop.url}/img/3-back.jpg"]

    pictures = html_shop.requests["/img/3.jpg"]
    done, _ = rows_of(html)
    assert done.code == 0, done
    assert html_shop.requests["/img/3.jpg"] == pictures, "an unchanged picture was fetched again"
    assert html_shop.requests["/products/thing-3"] == 2


def test_pictures_are_asked_for_again_after_a_while(catwalk, configure, html_shop):
    picture = "/img/3.jpg"
    html = {"category_urls": [f"{html_shop.url}/collections/described"]}
    stanza = {"brand": "Things", "source": "scraper", "respect_robots": False, "html": html}

    def run(revalidate):
        """How often the picture was asked for, how many were not modified, how many were embedded."""
        before, confirmed = html_shop.requests[picture], html_shop.not_modified
        configure(
            sites=yaml.safe_dump([stanza], sort_keys=False),
            fetch={"images": {"revalidate": revalidate}},
        )
        done = catwalk(*SCRAPE, "--json")
        assert done.code == 0, done
        embedded = done.json["images_embedded"]
        return html_shop.requests[picture] - before, html_shop.not_modified - confirmed, embedded

    html_shop.picture_tag = '"one"'
    assert run("30d") == (1, 0, html_shop.products)
    assert run("30d") == (0, 0, 0), "asked for again at once"
    assert run("0s") == (1, html_shop.products, 0), "by the ETag"
    html_shop.picture_tag = '"two"'
    assert run("0s") == (1, 0, 0), "another ETag, the same bytes"
    html_shop.pages[picture] = html_shop.answer("/img/5.jpg", {})
    assert run("0s") == (1, html_shop.products - 1, 1), "another picture at the same address"
    html_shop.pages[picture] = (503, {}, b"")
    done = catwalk(*SCRAPE, "--json")
    assert done.code == 3, done
    del html_shop.pages[picture]
    asked, _, embedded = run("0s")
    assert asked >= 1 and embedded == 0, "it has its ETag again, and kept its vector"


def test_what_a_page_says_for_machines_is_enough(rows_of, html_shop):
    done, rows = rows_of({"category_urls": [f"{html_shop.url}/collections/described"]})
    assert done.code == 0, done
    assert len(rows) == html_shop.products
    assert rows[f"{html_shop.url}/products/thing-0"]["price"] == "20.00CZK"


def test_broken_pages_leave_the_run_incomplete_and_say_why(rows_of, html_shop):
    html_shop.pages["/products/thing-1"] = (404, {}, b"gone")
    html_shop.pages["/products/thing-2"] = (200, {"Content-Type": "text/html"}, b"<div>" * 100_000)
    cut = html_shop.product_page(4).encode()
    html_shop.pages["/products/thing-4"] = (200, {"Content-Type": "text/html"}, cut[: len(cut) // 2])
    done, rows = rows_of(
        {"category_urls": [f"{html_shop.url}/collections/links"], "product_link_selector": "a.more"}, "--explain"
    )
    assert done.code == 3, done
    assert len(rows) == html_shop.products - 3
    assert "512 open elements" in done.err
    assert "page not found" in done.err
    assert "no image" in done.err or "no price" in done.err


def test_pages_in_another_encoding(rows_of, html_shop):
    page = "<meta charset=windows-1250><div class=product-item data-product-id=1><a href=/products/thing-1></a>"
    page += "<h3>Žluťoučký kůň</h3><span class=price>1 299,50</span><img src=/img/1.jpg></div>"
    html_shop.pages["/old"] = (200, {"Content-Type": "text/html"}, page.encode("windows-1250"))
    done, rows = rows_of({"category_urls": [f"{html_shop.url}/old"], **CARDS})
    assert done.code == 0, done
    (row,) = rows.values()
    assert row["title"] == "Žluťoučký kůň"
    assert row["price"] == "1299.50EUR"


def test_check_points_at_a_selector_that_does_not_parse(catwalk, configure):
    stanza = {"brand": "Things", "html": {"category_urls": ["http://127.0.0.1/"], "product_selector": "div > :nope"}}
    configure(sites=yaml.safe_dump([stanza], sort_keys=False))
    done = catwalk("check")
    assert done.code == 2, done
    said = done.out + done.err
    assert 'unknown pseudo-class ":nope"' in said
    assert "sites.yaml:5:" in said
    assert "      ^" in said


def test_one_shop_in_two_countries_is_one_row_by_countries(catwalk, configure, html_shop, workdir):
    for country, prices in {"us": "USD 20", "cz": "CZK 450"}.items():
        currency, price = prices.split()
        page = f"<a class=product-item data-product-id=7 href=/products/thing-7><h3>Thing</h3><img src=/img/7.jpg>"
        page += f"<b>{price}</b></a><a class=product-item data-product-id={country}1 href=/products/thing-1><h3>{country}"
        page += f"</h3><img src=/img/1.jpg><b>{price}</b></a><!--{currency}-->"
        html_shop.pages[f"/{country}"] = (200, {"Content-Type": "text/html"}, page.encode())

    def site(country, currency, **more):
        selectors = {"external_id": "[data-product-id]", "title": "h3", "price": "b", "image": "img"}
        html = {
            "category_urls": [f"{html_shop.url}/{country}"],
            "product_selector": ".product-item",
            "product_selectors": selectors | {"currency": f"'{currency}'"},
        }
        name = f"Things {country}"
        basics = {"name": name, "brand": "Things", "source": "scraper", "country": country, "respect_robots": False}
        return basics | {"html": html} | more

    def write(**more):
        configure(sites=yaml.safe_dump([site("us", "USD", **more), site("cz", "CZK", **more)], sort_keys=False))

    write()
    done = catwalk("check")
    assert done.code == 2, done
    assert "gives its products the ids of 'Things us'" in done.out + done.err
    assert "countries" in done.out + done.err

    write(countries=["us", "cz"])
    assert catwalk("check").code == 0

    def rows():
        file = workdir / "rows.jsonl"
        file.unlink(missing_ok=True)
        done = catwalk("scrape", "--allow-untrained", "--sync", "--output", file)
        assert done.code == 0, done
        return {row["title"]: row["price"] for row in map(json.loads, file.read_text().splitlines())}, done

    assert rows()[0] == {"Thing": "20USD,450CZK", "us": "20USD", "cz": "450CZK"}
    again, done = rows()
    assert again == {"Thing": "20USD,450CZK", "us": "20USD", "cz": "450CZK"}
    assert "1 changed" not in done.out, done
    html_shop.pages["/cz"] = (200, {"Content-Type": "text/html"}, html_shop.pages["/cz"][2].partition(b"</a>")[2])
    assert rows()[0]["Thing"] == "20USD"
