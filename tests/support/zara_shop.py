"""A shop on loopback that answers in Zara's format, for tests: categories, pictures, faults, a log.

What it sells is made from a seed. Addresses in its answers follow the Host header: a client that comes for
`www.zara.com` (through `tls_proxy.py`) gets Zara's own addresses, any other the shop's.
"""

import asyncio
import collections
import dataclasses
import hashlib
import json
import re
import threading
import time

from aiohttp import web

from . import wire
from .zara_catalogue import category_answer, make_products
from .zara_picture import picture

BLOCK_PAGE = (
    "<html><head>\n<title>Access Denied</title>\n</head><body>\n<h1>Access Denied</h1>\n \nYou don't have "
    "permission to access this on this server.<p>\nReference #18.ae760740.1752867090.51034ca8\n</p></body>"
    "</html>\n"
)


@dataclasses.dataclass
class Seen:
    at: float  # time.monotonic()
    method: str
    host: str
    path: str
    query: str
    headers: dict
    status: int | None = None
    ended: float | None = None

    @property
    def kind(self):
        return (
            "image" if self.path.startswith("/assets/") else "page" if "/category/" in self.path else "other"
        )


@dataclasses.dataclass
class Fault:
    """kind: status | slow | html | truncate | huge | reset | body."""

    kind: str
    path: str
    times: int = -1
    status: int = 500
    headers: dict = dataclasses.field(default_factory=dict)
    body: bytes = b""
    seconds: float = 1.0
    bytes: int | None = None

    def applies(self, address):
        if self.times == 0 or not re.search(self.path, address):
            return False
        self.times -= self.times > 0
        return True


class ZaraShop:
    """`products`: sold in Zara's "all men" category (2443335) unless `categories` maps numbers to counts."""

    def __init__(self, products=60, seed=1, page_size=None, categories=None):
        self.seed, self.page_size = seed, page_size
        wanted = categories or {"2443335": products}
        self.products = {number: make_products(count, seed, number) for number, count in wanted.items()}
        self.seen, self.faults = [], []
        self.robots = None
        self.in_flight, self.most_in_flight = collections.Counter(), collections.Counter()
        self.lock = threading.Lock()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    # For the test.

    def start(self):
        self._thread.start()
        self._started.wait(10)
        return self

    def stop(self):
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(10)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def all_products(self):
        return [product for listed in self.products.values() for product in listed]

    def fault(self, kind, path, **settings):
        with self.lock:
            self.faults.append(Fault(kind, path, **settings))

    def clear_faults(self):
        with self.lock:
            self.faults.clear()

    def requests(self, kind=None):
        with self.lock:
            return [seen for seen in self.seen if kind in (None, seen.kind)]

    def clear_log(self):
        with self.lock:
            self.seen.clear()
            self.most_in_flight.clear()

    def picture_of(self, product, kind="e1"):
        """The bytes that the picture's address gives."""
        return picture(f"{product.number}:{kind}:{product.version}", self.seed)

    # The server.

    def _run(self):
        asyncio.run(self._serve())

    async def _serve(self):
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(middlewares=[self._observe])
        app.router.add_get("/robots.txt", self._robots)
        app.router.add_get("/{country}/{language}/category/{number}/products", self._category)
        app.router.add_get("/assets/{path:.*}", self._picture)
        app.router.add_get("/{path:.*}", self._page)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        self._pictures = {
            product.picture_path(kind): (product, kind)
            for product in self.all_products
            for kind in ("e1", "e2", "p")
        }
        self._started.set()
        await self._stopping.wait()
        await runner.cleanup()

    @web.middleware
    async def _observe(self, request, handler):
        seen = Seen(
            time.monotonic(),
            request.method,
            request.host,
            request.path,
            request.query_string,
            {name.lower(): value for name, value in request.headers.items()},
        )
        with self.lock:
            self.seen.append(seen)
            self.in_flight[seen.kind] += 1
            self.most_in_flight[seen.kind] = max(self.most_in_flight[seen.kind], self.in_flight[seen.kind])
            fault = next(
                (f for f in self.faults if f.applies(f"{request.path}?{request.query_string}")), None
            )
        try:
            response = await (self._misbehave(request, handler, fault) if fault else handler(request))
            seen.status = response.status
            return response
        finally:
            seen.ended = time.monotonic()
            with self.lock:
                self.in_flight[seen.kind] -= 1

    async def _misbehave(self, request, handler, fault):
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            return await handler(request)
        if fault.kind == "status":
            return web.Response(
                status=fault.status,
                body=fault.body or BLOCK_PAGE.encode(),
                headers={"Content-Type": "text/html", **fault.headers},
            )
        if fault.kind == "html":
            return web.Response(text="<!doctype html><title>Zara</title><p>consent", content_type="text/html")
        if fault.kind == "body":
            return web.Response(body=fault.body, headers={"Content-Type": "image/jpeg", **fault.headers})
        if fault.kind == "huge":
            return await self._endless(request, fault)
        if fault.kind == "reset":
            return await wire.reset(request, b"")
        response = await handler(request)
        if fault.kind != "truncate":
            raise ValueError(f"no fault of the kind {fault.kind!r}")
        body = response.body[: fault.bytes if fault.bytes is not None else len(response.body) // 2]
        return web.Response(body=body, headers={"Content-Type": response.headers["Content-Type"]})

    async def _endless(self, request, fault):
        """A body that does not end before `bytes`."""
        response = web.StreamResponse(headers={"Content-Type": "image/jpeg"})
        await response.prepare(request)
        try:
            for _ in range((fault.bytes or 100_000_000) // 65536):
                await response.write(b"\xff" * 65536)
        except ConnectionError:
            pass
        return response

    async def _robots(self, _):
        if self.robots is None:
            return web.Response(status=404, text="")
        return web.Response(text=self.robots)

    async def _page(self, request):
        response = web.Response(
            text=f"<!doctype html><title>{request.path}</title>", content_type="text/html"
        )
        response.set_cookie("visited", "yes")
        return response

    async def _category(self, request):
        number = request.match_info["number"]
        page = int(request.query.get("page", "1"))
        with self.lock:
            listed = list(self.products.get(number, []))
        size = self.page_size or max(1, len(listed))
        part = listed[(page - 1) * size : page * size]
        answer = category_answer(part, number, page, size, page * size >= len(listed), picture_host(request))
        return web.Response(text=json.dumps(answer, ensure_ascii=False), content_type="application/json")

    async def _picture(self, request):
        path = request.path.rsplit("/", 1)[0] if request.path.endswith(".jpg") else request.path
        found = self._pictures.get(path)
        if found is None:
            return web.Response(status=404, text="not found")
        product, kind = found
        body = await asyncio.to_thread(self.picture_of, product, kind)
        tag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(body=body, headers={"Content-Type": "image/jpeg", "ETag": tag})


def picture_host(request):
    return "https://static.zara.net" if request.host.endswith("zara.com") else f"http://{request.host}"
