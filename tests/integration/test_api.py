"""The JSON API that the dashboard uses, against the real executable and a shop on loopback."""

import gzip
import http.client
import io
import json
import pathlib
import threading
import urllib.parse
import urllib.request

import PIL.Image
import pytest

from tests.support.catwalk_binary import wait_until
from tests.support.daemon_door import IDLE, Daemon
from tests.support.shopify_shop import ShopifyShop

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Api:
    """The daemon with the token in hand."""

    def __init__(self, daemon):
        self.daemon = daemon

    def ask(self, method, path, body=None, expect=200, **headers):
        headers.setdefault("Authorization", f"Bearer {self.daemon.token}")
        data = json.dumps(body) if isinstance(body, (dict, list)) else body
        status, _, text = self.daemon.ask(method, path, data, **headers)
        assert status == expect, f"{method} {path}: {status} {text}"
        return json.loads(text) if text else None

    def get(self, path, expect=200, **query):
        return self.ask("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""), expect=expect)

    def post(self, path, body=None, expect=200):
        return self.ask("POST", path, body, expect=expect)

    def raw(self, path, method="GET", **headers):
        """(status, headers, bytes)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=30)
        headers.setdefault("Authorization", f"Bearer {self.daemon.token}")
        try:
            connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def ended(self, run):
        return wait_until(lambda: (r := self.get(f"/api/v1/runs/{run}"))["finished"] and r)

    def run(self, **order):
        return self.ended(self.post("/api/v1/sites/zara/run", order or None, expect=202)["run"])


class Listener:
    """A client of /api/v1/events."""

    def __init__(self, api):
        self.connection = http.client.HTTPConnection("127.0.0.1", api.daemon.port, timeout=60)
        headers = {"Authorization": f"Bearer {api.daemon.token}"}
        self.connection.request("GET", "/api/v1/events", headers=headers)
        self.answer = self.connection.getresponse()
        self.events, self.ended = [], False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        name = None
        try:
            for line in self.answer:
                text = line.decode().rstrip("\n")
                if text.startswith("event: "):
                    name = text[7:]
                elif text.startswith("data: "):
                    self.events.append((name, json.loads(text[6:])))
        except (OSError, AttributeError):  # http.client's words for a connection that the test closed
            pass
        self.ended = True

    def seen(self, name, accept=lambda data: True):
        return [data for kind, data in list(self.events) if kind == name and accept(data)]

    def wait(self, name, accept=lambda data: True):
        return wait_until(lambda: self.seen(name, accept), message=f"no event {name}")[0]


@pytest.fixture
def start(catwalk, configure, workdir, shop):
    def begin(supabase=None, **settings):
        settings.setdefault("schedule", IDLE)
        values = configure(shop, supabase, **settings)
        process = catwalk.daemon(values["port"], "--allow-untrained")
        api = Api(Daemon(process, workdir / "state"))
        wait_until(lambda: process.get("/-/ready")[0] == 200)
        return api

    return begin


@pytest.fixture
def api(start):
    return start()


def test_deletes_that_the_guard_holds_back_are_permitted_by_their_number(start, supabase, shop):
    api = start(supabase)
    assert api.run(sync=True)["state"] == "done"
    stored = len(shop.all_products)
    (listed,) = shop.products.values()
    del listed[stored // 2 :]
    gone = stored - len(listed)
    for order in ({"sync": True}, {"sync": True, "allow_deletes": gone - 1}):
        api.run(**order)
        assert len(supabase.rows()) == stored
    refused = api.post("/api/v1/sites/zara/run", {"allow_deletes": gone}, expect=400)
    assert "sync" in refused["error"]["message"]
    api.run(sync=True, allow_deletes=gone)
    wait_until(lambda: len(supabase.rows()) == len(listed))


def test_sites_and_runs(api, shop):
    (site,) = api.get("/api/v1/sites")["items"]
    assert (site["name"], site["state"], site["products"], site["last_run"]) == ("Zara", "idle", 0, None)
    assert site["configured"] and site["next_run"] and site["run"] is None
    assert api.get("/api/v1/runs") == {"items": [], "next": None}
    run = api.run()
    assert (run["state"], run["job"], run["sites"]) == ("done", "manual", ["Zara"])
    assert (run["products"], run["new"], run["errors"], run["previous"]) == (60, 60, 0, None)
    assert run["images_embedded"] > 0 and run["seconds"] > 0
    assert [s["name"] for s in run["stages"]] == ["pages", "sync", "images", "sink"]
    assert sum(s["seconds"] for s in run["stages"]) <= run["seconds"] + 0.01
    (read,) = run["by_site"]
    assert (read["site"], read["endpoints_complete"]) == ("Zara", read["endpoints"]) and read["seconds"] > 0

    second = api.run(refresh=True)
    assert (second["new"], second["unchanged"]) == (0, 60)
    assert second["previous"]["id"] == run["id"]
    assert second["previous"]["new"] == -60 and second["previous"]["products"] == 0
    site = api.get("/api/v1/sites/zara")
    assert site["products"] == 60 and site["last_success"] and site["coverage"]["vectors"] == 1
    assert site["last_run"]["id"] == second["id"] and site["last_run"]["unchanged"] == 60

    page = api.get("/api/v1/runs", limit=1)
    assert [r["id"] for r in page["items"]] == [second["id"]]
    rest = api.get("/api/v1/runs", limit=1, after=page["next"])
    assert [r["id"] for r in rest["items"]] == [run["id"]]
    assert api.get("/api/v1/runs", site="nobody")["items"] == []
    assert api.get("/api/v1/runs/999", expect=404)["error"]["code"] == "not_found"
    api.post("/api/v1/sites/nobody/run", expect=404)
    api.post("/api/v1/sites/Zara/run", {"limt": 3}, expect=400)


def test_errors_of_a_run_are_grouped(api, shop):
    shop.fault("status", "/assets/", status=404)
    run = api.run()
    assert run["state"] == "partly" and run["images_failed"] > 0
    shop.clear_faults()
    shop.fault("status", "/category/", status=500)
    run = api.run(refresh=True)
    assert run["errors"] > 0 and run["error_groups"]
    group = run["error_groups"][0]
    assert group["site"] == "Zara" and "500" in group["message"]
    assert "http" in group["example"] and "http" not in group["message"]


def test_products_are_paged_and_filtered(api, shop):
    api.run()
    seen, after = [], {}
    while True:
        page = api.get("/api/v1/products", limit=25, count="true", **after)
        assert page["total"] == 60
        seen += [p["id"] for p in page["items"]]
        if not page["next"]:
            break
        after = {"after": page["next"]}
    assert len(seen) == len(set(seen)) == 60
    facets = api.get("/api/v1/facets")
    assert facets["sites"] == [{"value": "Zara", "count": 60}]
    category = facets["categories"][0]
    some = api.get("/api/v1/products", category=category["value"], count="true", limit=200)
    assert some["total"] == category["count"] == len(some["items"])
    one = some["items"][0]
    amount = float(one["sale_amount"] or one["price_amount"])
    priced = api.get("/api/v1/products", min_price=amount, max_price=amount, limit=200)["items"]
    assert one["id"] in {p["id"] for p in priced}
    assert {float(p["sale_amount"] or p["price_amount"]) for p in priced} == {amount}
    words = one["title"].upper()
    assert one["id"] in {p["id"] for p in api.get("/api/v1/products", q=words, limit=200)["items"]}
    assert api.get("/api/v1/products", gone="true")["items"] == []
    whole = api.get(f"/api/v1/products/{one['id']}")
    assert whole["title"] == one["title"] and whole["vector"]["untrained"]
    (found,) = whole["history"]
    assert found["change"] == "new" and found["at"] == whole["first_seen"]
    assert all(
        found[name] == whole[name]
        for name in ("price", "sale", "price_amount", "sale_amount", "currency", "availability")
    )
    api.get("/api/v1/products/nothing", expect=404)
    for query in ({"limit": 0}, {"min_price": "x"}, {"colour": "red"}, {"after": "x"}, {"availability": "maybe"}):
        assert api.get("/api/v1/products", expect=400, **query)["error"]["code"] == "invalid_argument"


def test_the_history_of_a_product_tells_its_prices(api, shop):
    api.run()
    before = {p["id"]: p for p in api.get("/api/v1/products", limit=200)["items"]}
    shop.products["2443335"][0].price += 1000
    api.run()
    changed = [p for p in api.get("/api/v1/products", limit=200)["items"] if p["price"] != before[p["id"]]["price"]]
    assert changed and all(p["price_changed_at"] for p in changed)
    whole = api.get(f"/api/v1/products/{changed[0]['id']}")
    assert [point["change"] for point in whole["history"]] == ["new", "price"]
    assert whole["history"][0]["price"] == before[whole["id"]]["price"]
    assert whole["history"][1]["price"] == whole["price"]
    assert whole["history"][1]["at"] == whole["price_changed_at"]


def multipart(bytes_, **fields):
    boundary = "a-boundary"
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )
    body += f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\n\r\n'.encode()
    return body + bytes_ + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def test_search_by_picture_and_by_product(api, shop):
    api.run()
    product = api.get("/api/v1/products", limit=1)["items"][0]
    whole = api.get(f"/api/v1/products/{product['id']}")
    with urllib.request.urlopen(whole["image_url"], timeout=20) as answer:
        bytes_ = answer.read()
    body, kind = multipart(bytes_)
    found = api.ask("POST", "/api/v1/search?k=5", body, Content_Type=kind)
    assert found["untrained"] and len(found["results"]) == 5
    assert found["results"][0]["score"] > 0.99
    assert product["id"] in {r["id"] for r in found["results"] if r["score"] > 0.99}
    scores = [r["score"] for r in found["results"]]
    assert scores == sorted(scores, reverse=True)

    alike = api.get("/api/v1/search", id=product["id"], k=3)["results"]
    assert len(alike) == 3 and product["id"] not in {r["id"] for r in alike}
    assert api.get("/api/v1/search", id=product["id"], site="nobody")["results"] == []
    one = api.get("/api/v1/search", id=product["id"], category=alike[0]["category"], k=1)["results"]
    assert one[0]["category"] == alike[0]["category"]
    api.get("/api/v1/search", expect=400)
    api.get("/api/v1/search", expect=400, text="x", id="y")
    api.get("/api/v1/search", expect=404, id="nothing")
    # An untrained model has no words.
    assert "text" in api.get("/api/v1/search", expect=404, text="red dress")["error"]["message"]
    body, kind = multipart(b"<html>")
    api.ask("POST", "/api/v1/search", body, expect=422, Content_Type=kind)
    api.ask("POST", "/api/v1/search", json.dumps({"image": whole["image_url"]}), expect=400)


def test_a_thumbnail_is_small_kept_and_of_the_catalogue_alone(start, shop, workdir):
    api = start(http={"thumbnails": "1MB"})
    api.run()
    product = api.get("/api/v1/products", limit=1)["items"][0]
    before = len([s for s in shop.seen if s.kind == "image"])
    status, headers, body = api.raw(product["thumbnail"])
    assert (status, headers["Content-Type"]) == (200, "image/webp")
    image = PIL.Image.open(io.BytesIO(body))
    assert image.width <= 320 and image.height <= 480
    again = api.raw(product["thumbnail"], If_None_Match=headers["ETag"])
    assert (again[0], again[2]) == (304, b"")
    assert len([s for s in shop.seen if s.kind == "image"]) == before + 1
    assert len(list((workdir / "state" / "thumbnails").glob("*.webp"))) == 1
    assert api.raw("/api/v1/products/nothing/thumbnail")[0] == 404
    shop.fault("status", "/assets/", status=404)
    other = api.get("/api/v1/products", limit=2)["items"][1]
    assert api.raw(other["thumbnail"])[0] == 502
    asked = len(shop.seen)
    assert api.raw(other["thumbnail"])[0] == 502
    assert len(shop.seen) == asked, "a picture that failed is asked for again at once"


def test_a_paused_site_is_left_out_by_the_schedule_until_resumed(start, catwalk, workdir, shop):
    every_minute = {"timezone": "UTC", "jobs": [{"name": "often", "cron": "* * * * *", "catch_up": False}]}
    api = start(schedule=every_minute)
    site = api.post("/api/v1/sites/zara/pause")
    assert site["paused"] and site["paused_since"] and site["state"] in ("paused", "running")
    assert api.daemon.process.terminate() == 0
    process = catwalk.daemon(api.daemon.port, "--allow-untrained")
    api.daemon.process = process
    wait_until(lambda: process.get("/-/ready")[0] == 200)
    assert api.get("/api/v1/sites/zara")["paused_since"] == site["paused_since"]
    wait_until(lambda: "every site of it is paused" in process.err, timeout=90)
    assert not [r for r in api.get("/api/v1/runs")["items"] if r["job"] == "often" and r["state"] == "running"]
    # A person may still ask for it.
    assert api.run()["products"] == 60
    assert not api.post("/api/v1/sites/zara/resume")["paused"]
    wait_until(lambda: api.get("/api/v1/runs")["items"][0]["job"] == "often", timeout=90)


def test_a_run_is_cancelled(start, catwalk):
    api = start(fetch={"pages": {"delay": "2s"}})
    run = api.post("/api/v1/sites/zara/run", {"refresh": True}, expect=202)["run"]
    listed = api.get("/api/v1/runs")["items"][0]
    assert (listed["id"], listed["state"], listed["sites"]) == (run, "running", ["Zara"])
    assert api.post("/api/v1/sites/zara/run", expect=409)["error"]["code"] == "conflict"
    assert api.get("/api/v1/sites/zara")["run"] == run
    cancelled = catwalk("jobs", "cancel", run)
    assert (cancelled.code, f"run {run} ends now" in cancelled.out) == (0, True), cancelled
    ended = api.ended(run)
    assert ended["state"] == "cancelled" and "cancelled" in ended["error_groups"][0]["message"]
    api.post(f"/api/v1/runs/{run}/cancel", expect=409)
    assert catwalk("jobs", "cancel", run).code == 1
    api.post("/api/v1/runs/999/cancel", expect=404)
    assert api.get("/api/v1/sites/zara")["state"] == "idle"


def test_events_tell_what_happens(start, shop):
    api = start(fetch={"pages": {"delay": "1s"}})
    first, second = Listener(api), Listener(api)
    assert first.answer.status == 200
    assert first.answer.headers["Content-Type"] == "text/event-stream"
    status = first.wait("status")
    assert status["ready"] and status["runs"] == [] and status["sites"][0]["name"] == "Zara"
    run = api.post("/api/v1/sites/zara/run", expect=202)["run"]
    for listener in (first, second):
        assert listener.wait("run_started")["id"] == run
        progress = listener.wait("status", lambda s: s["runs"] and s["runs"][0]["products"] > 0)
        assert progress["runs"][0]["id"] == run and progress["runs"][0]["sites"][0]["pages"] > 0
        assert listener.wait("run_ended")["products"] == 60
        assert listener.wait("site", lambda s: s["state"] == "running")["run"] == run
    api.post("/api/v1/sites/zara/pause")
    assert first.wait("site", lambda s: s["paused"])["state"] == "paused"
    # Neither of them holds the daemon up when it stops.
    assert api.daemon.process.terminate(timeout=20) == 0
    first.thread.join(10)
    assert first.ended and first.seen("goodbye")


def test_too_many_listeners_are_refused(api):
    listeners = [Listener(api) for _ in range(16)]
    assert all(one.answer.status == 200 for one in listeners)
    assert api.get("/api/v1/events", expect=429)["error"]["code"] == "queue_full"
    for one in listeners:
        one.connection.sock.close() if one.connection.sock else None
        one.answer.close()


def test_failures_are_listed_sent_again_and_dropped(start, supabase, catwalk, shop):
    refused = " or ".join(f"new.product_url like '%={p.id}'" for p in shop.all_products[5:8])
    supabase.control(
        "sql",
        sql=f"""
        create function public.refuse() returns trigger language plpgsql as $$
        begin if {refused} then raise exception 'not this one'; end if; return new; end $$;
        create trigger refuse before insert on products for each row execute function refuse();""",
    )
    api = start(supabase)
    api.run(limit=20)
    # Where a batch held refused rows alone, the sink counts as broken and one row is tried every minute.
    page = wait_until(lambda: (p := api.get("/api/v1/failures"))["total"] == 3 and p, timeout=240)
    letter = page["items"][0]
    assert letter["site"] == "Zara" and letter["code"] == "P0001" and "not this one" in letter["sink_words"]
    assert letter["attempts"] and letter["op"] == "upsert"
    assert api.get(f"/api/v1/failures/{letter['id']}")["row"]["title"] == letter["title"]
    assert api.get("/api/v1/failures", code="23502") == {"items": [], "next": None, "total": 0}
    assert len(api.get("/api/v1/failures", limit=2)["items"]) == 2
    api.post("/api/v1/failures/drop", {}, expect=400)
    assert api.post("/api/v1/failures/drop", {"all": True, "site": "nobody"}) == {"changed": 0}
    assert api.post("/api/v1/failures/drop", {"ids": [letter["id"]]}) == {"changed": 1}
    supabase.control("sql", sql="drop trigger refuse on products")
    # The daemon holds the state: the command asks it.
    assert catwalk("failed", "retry", 999).code == 1
    assert api.post("/api/v1/failures/retry", {"all": True}) == {"changed": 2}
    wait_until(lambda: len(supabase.rows()) == 19)
    assert api.get("/api/v1/failures")["total"] == 0


def test_an_address_is_tried(api):
    with ShopifyShop(30) as shopify:
        report = api.post("/api/v1/probe", {"url": shopify.url})
    assert report["kind"] == "shopify" and "shopify" in report["stanza"]
    assert 0 < len(report["rows"]) <= 3 and report["rows"][0]["title"]
    for url in ("ftp://x", "", 3, "file:///etc/passwd"):
        api.post("/api/v1/probe", {"url": url}, expect=400)


def test_a_private_address_is_neither_tried_nor_shown(start, shop):
    api = start(fetch={"allow_private_addresses": False})
    answer = api.post("/api/v1/probe", {"url": f"{shop.url}/x"}, expect=403)
    assert answer["error"]["code"] == "refused_address"
    assert shop.seen == []


def test_a_thumbnail_of_an_address_that_is_private_by_now_is_refused(start, shop):
    """A catalogue's addresses come from shops: the guard holds for them as for any other."""
    api = start()
    api.run(limit=5)
    assert api.daemon.process.terminate() == 0
    api = start(fetch={"allow_private_addresses": False})
    product = api.get("/api/v1/products", limit=1)["items"][0]
    shop.clear_log()
    for _ in range(2):
        status, _, body = api.raw(product["thumbnail"])
        assert status == 403, body
        assert json.loads(body)["error"]["code"] == "refused_address"
    assert shop.seen == []


def test_the_page_and_its_files(api):
    status, headers, body = api.raw("/", Authorization="")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert body == (ROOT / "daemon" / "web" / "index.html").read_bytes()
    assert api.raw("/", If_None_Match=headers["ETag"])[0] == 304
    connection = http.client.HTTPConnection("127.0.0.1", api.daemon.port, timeout=30)
    connection.request("HEAD", "/")
    answer = connection.getresponse()
    assert (answer.status, answer.read(), answer.headers["Content-Length"]) == (200, b"", str(len(body)))
    web = ROOT / "daemon" / "web"
    for file in web.rglob("*"):
        if file.is_file() and file.name != "index.html":
            status, headers, body = api.raw("/" + file.relative_to(web).as_posix(), Authorization="")
            assert status == 200 and body == file.read_bytes(), file
    status, headers, body = api.raw("/api/v1/openapi.json", Accept_Encoding="gzip")
    assert headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(body)) == json.loads((ROOT / "daemon" / "openapi.json").read_text())


def test_a_file_goes_over_the_wire_compressed(api):
    path = "/pages.css"
    file = (ROOT / "daemon" / "web" / "pages.css").read_bytes()
    status, plain, body = api.raw(path, Accept_Encoding="identity")
    assert (status, body, plain.get("Content-Encoding")) == (200, file, None)
    status, zipped, body = api.raw(path, Accept_Encoding="br, gzip;q=0.8")
    assert (status, zipped["Content-Encoding"], body[:2]) == (200, "gzip", b"\x1f\x8b")
    assert zipped["Content-Length"] == str(len(body)) and len(body) < len(file) / 2
    assert gzip.decompress(body) == file
    # Two answers, each with its own tag; a cache between keeps them apart.
    assert zipped["ETag"] != plain["ETag"]
    assert zipped["Vary"] == plain["Vary"] == "Accept-Encoding"
    for coding, own, other in (("gzip", zipped, plain), ("identity", plain, zipped)):
        status, headers, body = api.raw(path, Accept_Encoding=coding, If_None_Match=f'"x", W/{own["ETag"]}')
        assert (status, headers["ETag"], body) == (304, own["ETag"], b"")
        assert headers["Vary"] == "Accept-Encoding"
        assert api.raw(path, Accept_Encoding=coding, If_None_Match=other["ETag"])[0] == 200
        status, headers, body = api.raw(path, "HEAD", Accept_Encoding=coding)
        assert (status, body) == (200, b"")
        for name in ("ETag", "Content-Length", "Content-Encoding", "Content-Type", "Vary"):
            assert headers.get(name) == own.get(name), (coding, name)
        assert api.raw(path, "HEAD", Accept_Encoding=coding, If_None_Match=own["ETag"])[0] == 304
    assert api.raw(path, Accept_Encoding="gzip;q=0")[2] == file


def test_everything_asks_for_the_token(api):
    document = json.loads((ROOT / "daemon" / "openapi.json").read_text())
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if operation.get("security") == []:
                continue
            asked = path.replace("{id}", "1").replace("{name}", "Zara")
            status, _, body = api.daemon.ask(method.upper(), asked)
            assert status == 401, f"{method} {path}"
            assert json.loads(body)["error"]["code"] == "unauthorized"
