"""The fixture shop of the benchmark: pages made beforehand, gzip when asked for, no delays.

    shop.py PRODUCTS        prints its address, serves until its stdin is closed

`/products.json?limit=250&page=N` is a Shopify shop, `/us/en/category/2443335/products?ajax=true&page=N` one in
Zara's format, both of so many products.
"""

import asyncio
import gzip
import json
import pathlib
import random
import sys
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.support.zara_catalogue import category_answer, make_products  # noqa: E402

ZARA_PAGE = 100
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


def packed(value):
    plain = json.dumps(value, separators=(",", ":")).encode()
    return plain, gzip.compress(plain, 6)


def make_pages(count):
    shopify = [shopify_product(7_000_000 + number) for number in range(count)]
    pages = {
        ("shopify", at // 250 + 1): packed({"products": shopify[at : at + 250]}) for at in range(0, count, 250)
    }
    pages["shopify", 0] = packed({"products": []})
    zara = make_products(count, 1, "2443335")
    host = "https://static.zara.net"
    for at in range(0, count, ZARA_PAGE):
        number = at // ZARA_PAGE + 1
        answer = category_answer(
            zara[at : at + ZARA_PAGE], "2443335", number, ZARA_PAGE, at + ZARA_PAGE >= count, host
        )
        pages["zara", number] = packed(answer)
    return pages


async def serve(pages):
    async def answer(reader, writer):
        try:
            while line := await reader.readline():
                headers = b""
                while (header := await reader.readline()) not in (b"\r\n", b""):
                    headers += header.lower()
                target = urlsplit(line.split()[1].decode())
                number = int(parse_qs(target.query).get("page", ["1"])[0])
                kind = "shopify" if target.path == "/products.json" else "zara"
                plain, small = pages.get((kind, number)) or pages["shopify", 0]
                gzipped = b"gzip" in headers
                body = small if gzipped else plain
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    + (b"Content-Encoding: gzip\r\n" if gzipped else b"")
                    + f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=1 << 20)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(make_pages(int(sys.argv[1]))))
