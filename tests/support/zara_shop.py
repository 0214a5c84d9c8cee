"""A shop on loopback that answers in Zara's format, for tests: categories, pictures, faults on command, a log.

What it sells is made from a seed. Addresses in its answers follow the Host header: a client that comes for
`www.zara.com` (through `tls_proxy.py`) gets Zara's own addresses, any other the shop's.
"""

import asyncio
import collections
import dataclasses
import hashlib
import json
import random
import re
import threading
import time

from aiohttp import web

from . import wire
from .zara_picture import picture

SECTIONS = {1: "WOMAN", 2: "MAN"}
COLOURS = ("Noir", "Blanc cassé", "Bleu marine", "Marron clair chiné", "Écru", "Vert bouteille")
GARMENTS = ("VESTE EN CUIR À POCHES", "PULL EN MAILLE PERLÉE", "POLO EN MAILLE DOUCE", "PARKA COL COMBINÉ",
            "PANTALON CARGO", "CHEMISE \"OXFORD\" & CO", "ROBE LONGUE PLISSÉE", "T-SHIRT 100 % COTON")
BLOCK_PAGE = ("<html><head>\n<title>Access Denied</title>\n</head><body>\n<h1>Access Denied</h1>\n \nYou don't have "
              "permission to access this on this server.<p>\nReference #18.ae760740.1752867090.51034ca8\n</p></body>"
              "</html>\n")


@dataclasses.dataclass
class Product:
    number: int
    category: str
    name: str
    description: str
    price: int  # minor units
    section: int
    colour: str
    availability: str
    version: int = 1  # of the pictures

    @property
    def id(self):
        return 450_000_000 + self.number * 7

    @property
    def reference(self):
        return f"{10_000_000 + self.number:08}"

    @property
    def keyword(self):
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower().replace("é", "e").replace("à", "a")).strip("-")

    def picture_path(self, kind="e1"):
        digest = hashlib.md5(f"{self.number}:{kind}".encode(), usedforsecurity=False).hexdigest()
        name = f"{self.reference}800-{kind}"
        return f"/assets/public/{digest[:4]}/{digest[4:8]}/{digest[8:20]}/{digest[20:32]}/{name}"

    def picture_address(self, host, kind="e1"):
        name = self.picture_path(kind).rsplit("/", 1)[1]
        return f"{host}{self.picture_path(kind)}/{name}.jpg?ts={1_758_000_000_000 + self.version}"


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
        return "image" if self.path.startswith("/assets/") else \
            "page" if "/category/" in self.path else "other"


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


def make_products(count, seed, category):
    source = random.Random(f"{seed}:{category}")
    start = int(hashlib.md5(category.encode(), usedforsecurity=False).hexdigest()[:4], 16) * 1000
    products = []
    for number in range(start, start + count):
        products.append(Product(
            number, category, f"{source.choice(GARMENTS)} {number % 1000}", f"Coupe droite, modèle {number % 1000}.",
            source.choice((1299, 3999, 6590, 7990, 14900, 21900, 1000, 100000)), source.choice((1, 2)),
            source.choice(COLOURS), source.choice(("in_stock", "in_stock", "out_of_stock", "coming_soon"))))
    return products


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
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=0.2)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        self._pictures = {product.picture_path(kind): (product, kind) for product in self.all_products
                          for kind in ("e1", "e2", "p")}
        self._started.set()
        await self._stopping.wait()
        await runner.cleanup()

    @web.middleware
    async def _observe(self, request, handler):
        seen = Seen(time.monotonic(), request.method, request.host, request.path, request.query_string,
                    dict(request.headers))
        with self.lock:
            self.seen.append(seen)
            self.in_flight[seen.kind] += 1
            self.most_in_flight[seen.kind] = max(self.most_in_flight[seen.kind], self.in_flight[seen.kind])
            fault = next((f for f in self.faults if f.applies(f"{request.path}?{request.query_string}")), None)
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
            return web.Response(status=fault.status, body=fault.body or BLOCK_PAGE.encode(),
                                headers={"Content-Type": "text/html", **fault.headers})
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
        body = response.body[:fault.bytes if fault.bytes is not None else len(response.body) // 2]
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
        response = web.Response(text=f"<!doctype html><title>{request.path}</title>", content_type="text/html")
        response.set_cookie("visited", "yes")
        return response

    async def _category(self, request):
        number = request.match_info["number"]
        page = int(request.query.get("page", "1"))
        with self.lock:
            listed = list(self.products.get(number, []))
        size = self.page_size or max(1, len(listed))
        part = listed[(page - 1) * size:page * size]
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


def category_answer(products, number, page, size, is_last, host):
    """One page in the structure of `/category/N/products?ajax=true`."""
    components = [component(product, host, place) for place, product in enumerate(products)]
    elements = [{"id": f"defaultTemplate{at // 4}", "type": "autotemplate", "layout": "4A",
                 "commercialComponents": components[at:at + 4]} for at in range(0, len(components), 4)]
    if components:
        # What is sold nowhere: an advertisement among the products.
        elements.insert(1, {"id": "banner", "type": "autotemplate", "layout": "1A", "commercialComponents": [
            {"id": 1, "type": "Marketing", "kind": "Banner", "name": "SOLDES", "xmedia": [], "seo": {}}]})
    return {"productGroups": [{"id": "EDITORIAL_SECTION", "type": "main", "elements": elements}],
            "category": {"id": int(number), "name": f"Category {number}", "key": "I2025"},
            "paginationInfo": {"page": page, "pageSize": size, "isLastPage": is_last, "isDisabled": False},
            "breadCrumbs": [], "sections": [{"name": name} for name in SECTIONS.values()]}


def component(product, host, place):
    pictures = [xmedia(product, host, kind) for kind in ("e1", "e2")]
    return {
        "id": product.id, "reference": f"{product.reference}-I2025", "type": "Product", "kind": "Wear",
        "brand": {"brandId": 1, "brandGroupId": 1, "brandGroupCode": "zara"}, "xmedia": [],
        "name": product.name, "description": "", "price": product.price, "section": product.section,
        "sectionName": SECTIONS[product.section], "familyName": "WIND-JACKET", "subfamilyName": "Outwear",
        "detail": {
            "reference": f"{product.reference}-I2025", "displayReference": product.reference[1:5],
            "colors": [{
                "id": "800", "productId": product.id, "name": product.colour, "stylingId": "0",
                "outfitId": "BASESTYLE", "xmedia": pictures, "pdpMedia": xmedia(product, host, "p"),
                "price": product.price, "availability": product.availability,
                "reference": f"C{product.reference}800-I2025", "extraInfo": {"highlightPrice": False},
            }],
        },
        "seo": {"keyword": product.keyword, "seoProductId": product.reference, "discernProductId": product.id,
                "jsonLd": {"description": product.description}},
        "availability": product.availability, "tagTypes": [], "serverPage": 1, "gridPosition": place + 1,
    }


def xmedia(product, host, kind):
    path, address = product.picture_path(kind), product.picture_address(host, kind)
    name = path.rsplit("/", 1)[1]
    return {"datatype": "xmedia", "set": 2, "type": "image", "kind": "plain", "path": path, "name": name,
            "width": 2048, "height": 3072, "timestamp": address.rsplit("=", 1)[1], "allowedScreens": ["small", "large"],
            "extraInfo": {"originalName": kind, "deliveryUrl": address, "deliveryPath": address.removeprefix(host)},
            "url": address + "&w={width}"}


def expected_row(product, layout, host, pictures=None, country="us"):
    """The columns that the sink must hold for a product, without vectors. `host`: of the site's addresses."""
    pictures = pictures or host
    address = f"{host}/us/en/{product.keyword}-p{product.id}.html?v1={product.id}"
    shared = {"source": "scraper", "title": product.name, "description": product.description, "brand": "Zara",
              "product_url": address, "affiliate_url": None, "size": None}
    availability = product.availability if product.availability in ("in_stock", "out_of_stock") else "unknown"
    amount = f"{product.price // 100}" + (f".{product.price % 100:02}".rstrip("0") if product.price % 100 else "")
    if layout == "2025-10":
        return {**shared, "external_id": str(product.id), "merchant_name": "Zara", "price": float(amount),
                "currency": "USD", "country": country, "image_url": product.picture_address(pictures) + "&w=800",
                "availability": availability, "gender": SECTIONS[product.section], "color_names": [product.colour]}
    row = {**shared, "id": hashlib.sha256(f"scraper:{product.id}".encode()).hexdigest(), "price": f"{amount}USD",
           "sale": None, "image_url": product.picture_address(pictures), "second_hand": False,
           "gender": {"WOMAN": "women", "MAN": "men"}[SECTIONS[product.section]]}
    if layout == "catwalk":
        row |= {"country": country, "currency": "USD", "availability": availability, "color_names": [product.colour]}
    return row
