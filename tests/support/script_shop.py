"""A shop on loopback whose products appear by JavaScript alone, for tests: after a consent click, and as one scrolls."""

import collections
import http.server
import json
import threading

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


class ScriptShop:
    """`products` things, four to an answer. `pages` maps a path to (status, headers, bytes) and wins."""

    def __init__(self, products=12, script="", host="127.0.0.1"):
        self.products = products
        self.pages, self.requests, self.headers = {}, collections.Counter(), {}
        self.script = script
        shop = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                shop.requests[self.path] += 1
                shop.headers[self.path] = dict(self.headers)
                status, headers, body = shop.answer(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.connections = 0

        class Server(http.server.ThreadingHTTPServer):
            def process_request(self, request, client_address):
                shop.connections += 1
                super().process_request(request, client_address)

        self.server = Server((host, 0), Handler)
        self.port = self.server.server_port
        self.url = f"http://{host}:{self.port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, address):
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
