"""The fixture shop of the benchmark: pages made beforehand, gzip when asked for, no delays.

    shop.py PRODUCTS shopify|zara|html        prints its address, serves until its stdin is closed

`/products.json?limit=250&page=N` is a Shopify shop, `/us/en/category/2443335/products?ajax=true&page=N` one in
Zara's format, `/list?page=N` lists product pages (`/p/N`), each of so many products.
"""

import asyncio
import gzip
import json
import pathlib
import random
import sys
from urllib.parse import parse_qs

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from bench.page_server import serve  # noqa: E402
from tests.support.zara_catalogue import category_answer, make_products  # noqa: E402

ZARA_PAGE = 100
HTML_PAGE = 50
WORDS = (
    "soft organic cotton linen wool relaxed fit collar pocket button sleeve lining waist seam hem trim rib "
    "knit woven fabric washed made in Portugal machine wash cold line dry do not bleach regular length"
).split()


def shopify_product(number):
    """As large as such products are: five sizes in two colours, six pictures, a description in markup."""
    source = random.Random(number)
    text = lambda count: " ".join(source.choice(WORDS) for _ in range(count))  # noqa: E731
    price = source.randrange(1900, 24900)
    handle = f"{text(3).lower().replace(' ', '-')}-{number}"
    pictures = [
        {
            "id": number * 100 + at,
            "created_at": "2026-02-03T10:20:30+01:00",
            "position": at + 1,
            "updated_at": "2026-02-03T10:20:30+01:00",
            "product_id": number,
            "variant_ids": [],
            "src": f"https://cdn.shopify.com/s/files/1/0315/8802/4459/files/{handle}-{at}.jpg?v=1733910726",
            "width": 2000,
            "height": 3000,
        }
        for at in range(6)
    ]
    variants = [
        {
            "id": number * 1000 + at,
            "title": f"{colour} / {size}",
            "option1": colour,
            "option2": size,
            "option3": None,
            "sku": f"SKU-{number}-{at}",
            "requires_shipping": True,
            "taxable": True,
            "featured_image": None,
            "available": source.random() < 0.8,
            "price": f"{price // 100}.{price % 100:02}",
            "grams": 400,
            "compare_at_price": f"{price // 80}.00" if number % 4 == 0 else None,
            "position": at + 1,
            "product_id": number,
            "created_at": "2026-02-03T10:20:30+01:00",
            "updated_at": "2026-02-03T10:20:30+01:00",
        }
        for at, (colour, size) in enumerate((c, s) for c in ("Ecru", "Navy") for s in ("XS", "S", "M", "L", "XL"))
    ]
    return {
        "id": number,
        "title": text(4).title(),
        "handle": handle,
        "body_html": "".join(f"<p>{text(25)} &amp; <strong>{text(3)}</strong></p>\n" for _ in range(4)),
        "published_at": "2026-02-03T10:20:30+01:00",
        "created_at": "2026-02-03T10:20:30+01:00",
        "updated_at": "2026-02-03T10:20:30+01:00",
        "vendor": "Acme",
        "product_type": source.choice(("Coats", "Dresses", "Knitwear")),
        "tags": ["Women", "new", "AW26", "sale", "wool"],
        "variants": variants,
        "images": pictures,
        "options": [
            {"name": "Color", "position": 1, "values": ["Ecru", "Navy"]},
            {"name": "Size", "position": 2, "values": ["XS", "S", "M", "L", "XL"]},
        ],
    }


def html_product(number):
    """A product page of some 50 KB: menus, the product, what else there is, scripts, a footer."""
    source = random.Random(number)
    text = lambda count: " ".join(source.choice(WORDS) for _ in range(count))  # noqa: E731
    title, price = text(4).title(), source.randrange(1900, 24900)
    linked_data = {
        "@context": "https://schema.org/",
        "@type": "Product",
        "name": title,
        "sku": f"H-{number}",
        "image": [f"/img/{number}-{at}.jpg" for at in range(4)],
        "description": text(40),
        "brand": {"@type": "Brand", "name": "Acme"},
        "offers": {
            "@type": "Offer",
            "price": f"{price // 100}.{price % 100:02}",
            "priceCurrency": "EUR",
            "availability": "https://schema.org/InStock" if number % 5 else "https://schema.org/OutOfStock",
        },
    }
    menu = "".join(
        f'<li class="menu__item menu__item--{at}"><a class="menu__link" href="/c/{at}" data-track="menu-{at}">'
        f"<span>{text(2)}</span></a></li>"
        for at in range(120)
    )
    others = "".join(
        f'<div class="card" data-id="{at}"><a href="/p/{at}"><img loading="lazy" data-src="/img/{at}.jpg" alt="">'
        f'<h4 class="card__title">{text(3)}</h4><span class="card__price">{at}.90 EUR</span></a></div>'
        for at in range(40)
    )
    sizes = "".join(f'<option value="{size}">{size}</option>' for size in ("XS", "S", "M", "L", "XL"))
    return f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title} | Acme</title>
<meta property="og:title" content="{title}"><meta property="og:type" content="product">
<script type="application/ld+json">{json.dumps(linked_data)}</script>
<style>{".a{color:#000;margin:0 auto}" * 200}</style></head><body><header><nav><ul>{menu}</ul></nav></header>
<main class="product"><div class="gallery">{"".join(f'<img src="{i}" alt="">' for i in linked_data["image"])}</div>
<h1 class="product__title">{title}</h1><div class="product__price"><span class="price">{price / 100:.2f} EUR</span></div>
<select name="size">{sizes}</select><p class="product__colour">Navy</p>
<div class="product__about">{"".join(f"<p>{text(30)}</p>" for _ in range(6))}</div></main>
<section class="others">{others}</section><script>{"window.state=window.state||{};" * 150}</script>
<footer>{"".join(f'<p class="footer__line">{text(12)}</p>' for _ in range(20))}</footer></body></html>"""


def html_listing(first, count, last_page, page):
    cards = "".join(f'<li><a class="card__link" href="/p/{first + at}">Thing {first + at}</a></li>' for at in range(count))
    more = "" if page >= last_page else f'<link rel="next" href="/list?page={page + 1}">'
    return f"<!DOCTYPE html><html><head><title>All</title>{more}</head><body><ul>{cards}</ul></body></html>"


def packed(value):
    plain = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return gzip.compress(plain.encode(), 6)


def shopify_pages(count):
    yield ("shopify", 0), packed({"products": []})
    for at in range(0, count, 250):
        products = [shopify_product(7_000_000 + number) for number in range(at, min(at + 250, count))]
        yield ("shopify", at // 250 + 1), packed({"products": products})


def zara_pages(count):
    zara = make_products(count, 1, "2443335")
    host = "https://static.zara.net"
    for at in range(0, count, ZARA_PAGE):
        number = at // ZARA_PAGE + 1
        answer = category_answer(
            zara[at : at + ZARA_PAGE], "2443335", number, ZARA_PAGE, at + ZARA_PAGE >= count, host
        )
        yield ("zara", number), packed(answer)


def html_pages(count):
    last = (count - 1) // HTML_PAGE + 1
    for page in range(1, last + 1):
        first = (page - 1) * HTML_PAGE
        yield ("list", page), packed(html_listing(first, min(HTML_PAGE, count - first), last, page))
    for number in range(count):
        yield ("p", number), packed(html_product(number))


PAGES = {"shopify": shopify_pages, "zara": zara_pages, "html": html_pages}


def page_asked_for(target):
    path = target.path.strip("/").split("/")
    if path[0] == "p":
        return "p", int(path[1])
    kind = {"products.json": "shopify", "list": "list"}.get(path[0], "zara")
    return kind, int(parse_qs(target.query).get("page", ["1"])[0])


def answers_from(pages):
    def answer_to(target, headers, _):
        asked = page_asked_for(target)
        body = pages.get(asked) or pages["shopify", 0]
        gzipped = b"gzip" in headers
        kind = b"text/html; charset=utf-8" if asked[0] in ("list", "p") else b"application/json"
        coding = b"Content-Encoding: gzip\r\n" if gzipped else b""
        return b"200 OK", b"Content-Type: " + kind + b"\r\n" + coding, body if gzipped else gzip.decompress(body)

    return answer_to


if __name__ == "__main__":
    asyncio.run(serve(answers_from(dict(PAGES[sys.argv[2]](int(sys.argv[1]))))))
