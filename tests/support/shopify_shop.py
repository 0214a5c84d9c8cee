"""A Shopify shop on loopback, for tests: /products.json in pages, collections, /meta.json, pictures, a log."""

import json
import threading
from urllib.parse import parse_qs, urlsplit

from .loopback_http import AnsweringServer
from .zara_picture import picture


def make_product(number, base):
    """A product with two sizes; every third is reduced, every fifth sold out, every seventh for men."""
    price, before = f"{20 + number % 50}.00", f"{40 + number % 50}.00"
    return {
        "id": 7_000_000 + number,
        "title": f"Coat {number}",
        "handle": f"coat-{number}",
        "body_html": f"<p>Coat &amp; <b>belt</b>, number {number}</p>",
        "vendor": "Acme",
        "product_type": "Coats",
        "tags": ["men" if number % 7 == 0 else "Women's", "wool"],
        "options": [{"name": "Color", "position": 1}, {"name": "Size", "position": 2}],
        "variants": [
            {
                "id": number * 10 + place,
                "option1": "Red",
                "option2": size,
                "price": price,
                "compare_at_price": before if number % 3 == 0 else None,
                "available": number % 5 != 0,
            }
            for place, size in enumerate(("S", "M"))
        ],
        "images": [{"src": f"{base}/pictures/{number}.jpg"}],
    }


class ShopifyShop(AnsweringServer):
    """`limited`: the shop answers 404 to the whole listing and has two collections, which overlap."""

    def __init__(self, products=60, currency="EUR", limited=False):
        self.count, self.currency, self.limited = products, currency, limited
        self.seen, self.refuse = [], None
        self.lock = threading.Lock()
        super().__init__()
        self.products = [make_product(number, self.url) for number in range(1, products + 1)]

    def pages(self):
        with self.lock:
            return [path for path in self.seen if "products.json" in path]

    def pictures(self):
        with self.lock:
            return [path for path in self.seen if path.startswith("/pictures/")]

    def clear_log(self):
        with self.lock:
            self.seen.clear()

    def answer(self, target, _):
        with self.lock:
            self.seen.append(target)
        status, kind, body = self.found(target)
        return status, {"Content-Type": kind}, body

    def found(self, target):
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self.refuse and self.refuse in target:
            return 403, "text/html", b"<html><title>Access Denied</title>Reference #18.ab</html>"
        if parts.path.startswith("/pictures/"):
            return 200, "image/jpeg", picture(parts.path, 1)
        listed = {
            "/products.json": None if self.limited else self.products,
            "/collections/first/products.json": self.products[: self.count * 2 // 3],
            "/collections/second/products.json": self.products[self.count // 3 :],
        }.get(parts.path)
        if listed is not None:
            size = min(int(query.get("limit", 30)), 250)
            start = (int(query.get("page", 1)) - 1) * size
            return self.json({"products": listed[start : start + size]})
        if parts.path == "/meta.json" and self.currency:
            return self.json({"name": "Acme", "currency": self.currency})
        if parts.path == "/collections.json":
            return self.json({"collections": [{"handle": "first"}, {"handle": "second"}]})
        return 404, "text/plain", b"not found"

    @staticmethod
    def json(value):
        return 200, "application/json", json.dumps(value).encode()
