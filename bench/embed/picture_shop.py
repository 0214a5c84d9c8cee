"""The fixture shop of the pipeline's benchmark: products whose pictures were drawn beforehand, no delays.

    picture_shop.py PRODUCTS FILE…        prints its address, serves until its stdin is closed

`/products.json?limit=250&page=N` is a Shopify shop; `/img/N.jpg` is one of the files with its product's number behind
the end of the picture, so that no two are the same file.
"""

import asyncio
import json
import pathlib
import sys
from urllib.parse import parse_qs

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from bench.page_server import serve  # noqa: E402

PAGE = 250


def product(number, origin):
    return {
        "id": number,
        "title": f"Thing {number}",
        "handle": f"thing-{number}",
        "body_html": "<p>A thing.</p>",
        "vendor": "Acme",
        "product_type": "Coats",
        "tags": ["Women"],
        "variants": [{"id": number * 10, "title": "M", "option1": "M", "available": True, "price": "19.90"}],
        "images": [{"id": number, "position": 1, "src": f"{origin}/img/{number}.jpg"}],
        "options": [{"name": "Size", "position": 1, "values": ["M"]}],
    }


def listing(count, target, origin):
    first = (int(parse_qs(target.query).get("page", ["1"])[0]) - 1) * PAGE
    products = [product(number, origin) for number in range(first, min(first + PAGE, count))]
    return json.dumps({"products": products}).encode()


def answers(count, pictures):
    def answer_to(target, _, origin):
        if target.path.startswith("/img/"):
            number = int(pathlib.PurePosixPath(target.path).stem)
            body = pictures[number % len(pictures)] + str(number).encode()
            return b"200 OK", b"Content-Type: image/jpeg\r\n", body
        if target.path == "/products.json":
            return b"200 OK", b"Content-Type: application/json\r\n", listing(count, target, origin)
        return b"404 Not Found", b"", b""

    return answer_to


if __name__ == "__main__":
    asyncio.run(serve(answers(int(sys.argv[1]), [pathlib.Path(f).read_bytes() for f in sys.argv[2:]])))
