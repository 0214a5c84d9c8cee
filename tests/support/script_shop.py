"""A shop on loopback whose products appear by JavaScript alone, for tests: after a consent click, and as one scrolls."""

import collections
import json

from .loopback_http import AnsweringServer
from .zara_picture import picture

PAGE = """<!doctype html><title>Shop</title><meta charset=utf-8>
<style>body {{ margin: 0 }} .card {{ height: 900px; display: block }}</style>
<div id="cookie-wall" class="cookie-consent">We use cookies. <a href="/policy">Accept</a>
<button type=button onclick="agreed()">Accept all</button></div>
<div id=grid></div><div id=end style="height: 10px"></div>
<script>
let agreement, next = 0, loading = false;
function agreed() {{
  document.getElementById('cookie-wall').remove();
  new IntersectionObserver((seen) => {{ if (seen.some((one) => one.isIntersecting)) more(); }},
    {{rootMargin: '200px'}}).observe(document.getElementById('end'));
}}
async function more() {{
  if (loading || next >= {products}) return;
  loading = true;
  const answer = await fetch('/api/products?from=' + next, {{headers: {{'X-Asked-By': 'script'}}}});
  for (const one of await answer.json()) {{
    const card = document.createElement('a');
    card.className = 'card';
    card.href = '/p/' + one.id;
    card.dataset.productId = one.id;
    const image = card.appendChild(document.createElement('img'));
    image.onerror = () => {{ image.src = '/img/broken.jpg'; }};
    image.src = '/img/' + one.id + '.jpg';
    card.appendChild(document.createElement('h3')).textContent = one.title;
    card.appendChild(document.createElement('b')).textContent = one.price;
    document.getElementById('grid').appendChild(card);
    next += 1;
  }}
  loading = false;
}}
{script}
</script>"""


class ScriptShop(AnsweringServer):
    """`products` things, four to an answer. `pages` maps a path to (status, headers, bytes) and wins."""

    def __init__(self, products=12, script="", host="127.0.0.1", port=0, certificate=None):
        self.products = products
        self.pages, self.requests, self.headers = {}, collections.Counter(), {}
        self.script = script
        super().__init__(host, port, certificate)

    def answer(self, address, headers):
        self.requests[address] += 1
        self.headers[address] = dict(headers)
        path, _, query = address.partition("?")
        if path in self.pages:
            return self.pages[path]
        if path == "/":
            page = PAGE.format(products=self.products, script=self.script)
            return 200, {"Content-Type": "text/html", "ETag": '"1"'}, page.encode()
        if path == "/api/products":
            first = int(query.partition("=")[2])
            items = [
                {"id": number, "title": f"Thing {number}", "price": f"{20 + number}.50"}
                for number in range(first, min(first + 4, self.products))
            ]
            return 200, {"Content-Type": "application/json"}, json.dumps(items).encode()
        if path.startswith("/img/"):
            return 200, {"Content-Type": "image/jpeg"}, picture(int(path[5:-4]), size=(120, 160))
        return 404, {"Content-Type": "text/html"}, b"<h1>Not found</h1>"
