"""A shop on loopback that serves HTML, for tests: category pages of cards, of links, of JSON-LD, and product pages."""

import collections
import json
import urllib.parse

from .loopback_http import AnsweringServer
from .zara_picture import picture


class HtmlShop(AnsweringServer):
    """`products` things, `page_size` to a category page. `pages` maps a path to (status, headers, bytes) and wins."""

    def __init__(self, products=12, page_size=5):
        self.products, self.page_size = products, page_size
        self.pages, self.requests = {}, collections.Counter()
        self.picture_tag, self.not_modified = "", 0  # the ETag of every picture; how often it was enough
        super().__init__()

    def answer(self, address, headers):
        self.requests[address] += 1
        path, _, query = address.partition("?")
        if address in self.pages or path in self.pages:
            return self.pages.get(address) or self.pages[path]
        parts = path.strip("/").split("/")
        page = int(dict(urllib.parse.parse_qsl(query)).get("page", 1))
        html = {"Content-Type": "text/html; charset=utf-8"}
        if parts[0] == "img":
            number = int(parts[1].split(".")[0].split("-")[0])
            tag = {"ETag": self.picture_tag} if self.picture_tag else {}
            if tag and headers.get("If-None-Match") == self.picture_tag:
                self.not_modified += 1
                return 304, tag, b""
            return 200, tag | {"Content-Type": "image/jpeg"}, picture(number, size=(120, 160))
        if path == "/collections/cards":
            return 200, html, self.listing(page, self.card).encode()
        if path == "/collections/links":
            return 200, html, self.listing(page, self.link).encode()
        if path == "/collections/described":
            return 200, html, self.described().encode()
        if parts[0] == "products" and 0 <= int(parts[1].rsplit("-", 1)[1]) < self.products:
            tag = f'"{parts[1]}"'
            if headers.get("If-None-Match") == tag:
                return 304, {"ETag": tag}, b""
            return 200, html | {"ETag": tag}, self.product_page(int(parts[1].rsplit("-", 1)[1])).encode()
        return 404, html, b"<h1>Not found</h1>"

    @staticmethod
    def price(number):
        return f"{20 + number}.{number % 10}0"

    def listing(self, page, item):
        first = (page - 1) * self.page_size
        numbers = range(first, min(first + self.page_size, self.products))
        more = first + self.page_size < self.products
        following = f'<a rel="next" href="?page={page + 1}">More</a>' if more else ""
        return f"<!doctype html><title>Všechno</title><div class=grid>{''.join(map(item, numbers))}</div>{following}"

    def card(self, number):
        return f"""<div class="product-item" data-product-id="{1000 + number}">
          <a href="/products/thing-{number}?from=grid"><img src="data:image/gif;base64,R0lGOD" data-src="/img/{number}-1600.jpg"
          srcset="/img/{number}-400.jpg 400w, /img/{number}-800.jpg 800w, /img/{number}-1600.jpg 1600w"></a>
          <h3>Thing &amp; co. {number}</h3><span class="price">€{self.price(number)}</span>
          <ul><li class=size>S<li class=size>M</ul></div>"""

    def link(self, number):
        return f'<p><a class=more href="/products/thing-{number}#top">Thing {number}</a></p>'

    def node(self, number):
        return {
            "@type": "Product",
            "sku": f"SKU-{number}",
            "name": f"Thing {number}",
            "url": f"/products/thing-{number}",
            "image": [f"/img/{number}.jpg", f"/img/{number}-back.jpg"],
            "offers": {
                "@type": "Offer",
                "price": self.price(number),
                "priceCurrency": "CZK",
                "availability": "https://schema.org/OutOfStock" if number == 3 else "https://schema.org/InStock",
            },
        }

    def described(self):
        items = [{"@type": "ListItem", "item": self.node(number)} for number in range(self.products)]
        text = json.dumps({"@type": "ItemList", "itemListElement": items})
        return f"<script type='application/ld+json'>/* all of it */ {text[:-1]},}}</script>"

    def product_page(self, number):
        return f"""<!doctype html><base href="/img/"><h1>Thing {number}, the page</h1><p class=about>About {number}.</p>
          <img src="{number}.jpg"><script type="application/ld+json">{json.dumps(self.node(number))}</script>"""
