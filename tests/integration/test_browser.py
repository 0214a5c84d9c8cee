"""`use_browser: true`: pages that headless Chromium renders, what it may not ask for, and that nothing of it stays."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

import pytest
import yaml

from tests.support import chromium
from tests.support.catwalk_binary import environment, free_port, wait_until
from tests.support.loopback_http import AnsweringServer
from tests.support.name_server import NameServer, configured_server
from tests.support.network_namespace import NetworkNamespace
from tests.support.relay import Relay
from tests.support.script_shop import ScriptShop
from tests.support.tls_proxy import TlsProxy, make_certificate


PUBLIC = "93.184.216.34"
in_a_namespace = pytest.mark.skipif(
    bool(NetworkNamespace.unavailable()) or not configured_server(),
    reason=NetworkNamespace.unavailable() or "no IPv4 name server is configured",
)


@pytest.fixture(scope="module", autouse=True)
def chromium_runs():
    if reason := chromium.why_not():
        pytest.skip(reason)


SELECTORS = {
    "external_id": "[data-product-id]",
    "title": "h3",
    "price": "b",
    "image": "img",
    "currency": "'EUR'",
}


@pytest.fixture
def temporary():
    """The folder in which catwalk makes the browser's: of a short path, since Chromium makes a socket there."""
    with tempfile.TemporaryDirectory(prefix="cw-") as folder:
        yield pathlib.Path(folder)


@pytest.fixture
def site(configure, temporary):
    """site(shop, html keys…): writes the configuration for one site that wants a browser."""

    def write(shop, fetch=None, path="/", stanza=None, **html):
        section = {
            "category_urls": [f"{shop.url}{path}"],
            "product_selector": "a.card",
            "product_selectors": SELECTORS,
            "use_browser": True,
        } | html
        whole = {"brand": "Script", "source": "scraper", "respect_robots": False, "html": section} | (stanza or {})
        configure(sites=yaml.safe_dump([whole], sort_keys=False), fetch=fetch or {})

    return write


@pytest.fixture
def scrape(catwalk, temporary, workdir):
    def run(*more, env=None, timeout=120):
        rows = workdir / "rows.jsonl"
        rows.unlink(missing_ok=True)
        done = catwalk(
            *("scrape", "Script", "--allow-untrained", "--output", rows, *more),
            env={"TMPDIR": str(temporary)} | (env or {}),
            timeout=timeout,
        )
        read = [json.loads(line) for line in rows.read_text().splitlines()] if rows.exists() else []
        return done, {row["title"]: row for row in read}

    return run


def processes_of(folder):
    """Ids of the processes that have the folder on their command line."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if os.fsencode(folder) in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def nothing_left(folder):
    return not processes_of(folder) and not any(folder.iterdir())


class Refusing(AnsweringServer):
    """Answers browsers alone; `asked` counts the pages that others asked for."""

    def __init__(self, status):
        self.status, self.asked = status, 0
        super().__init__()

    def answer(self, target, headers):
        if "Upgrade-Insecure-Requests" not in headers:
            self.asked += 1
            return self.status, {}, b"browsers only"
        cards = "".join(f"<a class=card href='/p/{n}'><b>Coat {n}</b></a>" for n in range(1, 4))
        return 200, {"Content-Type": "text/html"}, f"<html><body>{cards}</body></html>".encode()


@pytest.mark.parametrize(("status", "read"), [(401, True), (403, True), (500, False)])
def test_a_page_that_is_refused_is_asked_for_in_the_browser(site, scrape, status, read):
    with Refusing(status) as shop:
        fields = {"title": "b", "product_url": "href", "external_id": "href", "price": "'5 EUR'", "image": "'/i.jpg'"}
        pages = [f"{shop.url}/a", f"{shop.url}/b"]
        site(shop, use_browser=False, category_urls=pages, product_selectors=fields)
        done, _ = scrape("--dry-run")
        assert ("read in the browser" in done.err) == read, done
        assert (done.code == 0) == read, done
        if read:
            assert shop.asked == 1, "the second page was asked for plainly too"


def test_products_that_come_by_script_after_consent_and_scrolling(site, scrape, temporary):
    with ScriptShop(products=12) as shop:
        site(shop, headers={"X-Shop-Key": "canary"})
        done, rows = scrape()
        assert done.err.count("--no-sandbox") == (os.geteuid() == 0), done
        assert done.code == 0, done
        assert len(rows) == 12
        assert rows["Thing 11"]["price"] == "31.50EUR"
        assert rows["Thing 11"]["product_url"] == f"{shop.url}/p/11"
        assert rows["Thing 11"]["image_url"] == f"{shop.url}/img/11.jpg"
        assert shop.requests["/"] == 1
        assert shop.requests["/policy"] == 0, "a link was clicked"
        assert shop.requests["/img/broken.jpg"] == 0
        assert shop.requests["/img/3.jpg"] == 1, "the browser loads no pictures: the image lane does, once"
        page, script = shop.headers["/"], shop.headers["/api/products?from=0"]
        assert page["User-Agent"].startswith("catwalk/")
        assert page["X-Shop-Key"] == script["X-Shop-Key"] == "canary"
        assert script["X-Asked-By"] == "script"
        assert nothing_left(temporary)
        print(f"12 products by script in {done.seconds:.1f} s")

        done, rows = scrape()
        assert done.code == 0, done
        assert "If-None-Match" not in shop.headers["/"]
        assert "12 unchanged" in done.out + done.err


def test_without_the_browser_the_page_is_read_as_it_is_sent(site, scrape, temporary):
    card = b"<a class=card href=/p/1 data-product-id=1><img src=/img/1.jpg><h3>Plain</h3><b>9.50</b></a>"
    with ScriptShop() as shop:
        shop.pages["/"] = (200, {"Content-Type": "text/html"}, card)
        site(shop)
        done, rows = scrape(env={"PATH": "/nowhere"})
        assert done.code == 3, done
        assert list(rows) == ["Plain"]
        assert done.err.count("Chromium is not in PATH") == 1
        assert "read without the browser" in done.out + done.err
        site(shop, fetch={"browser": f"http://127.0.0.1:{free_port()}"})
        done, rows = scrape()
        assert done.code == 3, done
        assert list(rows) == ["Plain"]
        assert done.err.count("cannot reach the browser") == 1
        assert nothing_left(temporary)


def test_what_a_missing_browser_hides_is_not_gone(site, scrape):
    with ScriptShop(products=8) as shop:
        site(shop)
        done, rows = scrape("--sync")
        assert (done.code, len(rows)) == (0, 8), done
        done, _ = scrape("--sync", env={"PATH": "/nowhere"})
        assert done.code == 3, done
        assert "0 gone" in done.out + done.err or "gone" not in done.out + done.err
        done, _ = scrape("--sync")
        assert done.code == 0, done
        assert "8 unchanged" in done.out + done.err


def test_a_temporary_folder_with_too_long_a_path_is_named(site, scrape, tmp_path):
    folder = tmp_path / "a-folder-with-a-path-that-is-too-long-for-a-socket"
    folder.mkdir()
    with ScriptShop() as shop:
        site(shop)
        done, _ = scrape(env={"TMPDIR": str(folder)})
        assert done.code == 3, done
        assert f"cannot start a browser: {folder}" in done.err and "set TMPDIR to a shorter one" in done.err
        assert list(folder.iterdir()) == []


def test_a_page_that_never_settles_ends_by_its_time_limit(site, scrape, temporary):
    with ScriptShop() as shop:
        shop.pages["/"] = (
            200,
            {"Content-Type": "text/html"},
            b"<body><script>setInterval(() => document.body.append(document.createElement('p')), 50)</script>",
        )
        site(shop, fetch={"pages": {"timeout": "6s"}})
        begun = time.monotonic()
        done, rows = scrape()
        took = time.monotonic() - begun
        assert done.code == 3, done
        assert not rows
        assert "nothing matched `a.card` within 6 s" in done.out + done.err
        assert took < 60, "three tries of 6 s, and the start"
        shop.pages["/"] = (200, {"Content-Type": "text/html"}, b"<body><script>for (;;) {}</script>")
        done, _ = scrape()
        assert done.code == 3, done
        assert "within 6 s" in done.out + done.err
        assert nothing_left(temporary)


def test_private_addresses_are_refused(site, scrape, temporary):
    with ScriptShop() as shop:
        site(shop, fetch={"allow_private_addresses": False})
        done, _ = scrape()
        assert done.code == 3, done
        assert "loopback" in done.err
        assert not shop.requests
        assert nothing_left(temporary)


@in_a_namespace
def test_a_name_that_leads_elsewhere_in_a_browser_elsewhere_is_found_out(site, scrape):
    # Not on loopback, so that catwalk's guard is out of its reach; the public address is that of the shop on loopback.
    with NetworkNamespace("10.0.0.1/32") as net, contextlib.ExitStack() as running:
        shop = running.enter_context(net.run(ScriptShop))
        chromium = net.run(running.enter_context, net.run(Chromium, f"127.0.0.1:{shop.port}"))
        relay = net.run(Relay, "10.0.0.1", chromium.port)
        off = {"allow_private_addresses": False, "browser": f"http://10.0.0.1:{relay.port}"}
        site(shop, fetch=off, category_urls=f"http://{PUBLIC}/")
        done, rows = net.run(scrape)
        relay.close()
        assert done.code == 3, done
        assert "the browser was answered by 127.0.0.1, which is loopback" in done.out + done.err
        assert not rows


def test_a_site_with_a_proxy_goes_out_by_that_one(site, scrape, tmp_path):
    with ScriptShop(products=8) as shop, TlsProxy(shop.port, tmp_path) as proxy:
        by_proxy = {"proxy": proxy.url, "proxy_images": proxy.url}
        off = {"allow_private_addresses": False}
        site(shop, fetch=off, stanza=by_proxy, category_urls="https://shop.example/")
        done, rows = scrape(env={"INSECURE_SSL": "1"})
        assert done.code == 0, done
        assert len(rows) == 8
        assert shop.requests["/"] == 1
        assert proxy.connects["shop.example:443"]


@in_a_namespace
def test_https_goes_through_the_guard(site, scrape, tmp_path):
    with NetworkNamespace(f"{PUBLIC}/32") as net:
        with net.run(ScriptShop, host=PUBLIC, certificate=make_certificate(tmp_path)) as shop:
            site(shop, fetch={"allow_private_addresses": False})
            done, rows = net.run(scrape, env={"INSECURE_SSL": "1"})
        assert done.code == 0, done
        assert len(rows) == 12


@in_a_namespace
def test_scripts_frames_and_redirects_do_not_reach_private_hosts(site, scrape):
    with NetworkNamespace(f"{PUBLIC}/32", "10.0.0.1/32", "169.254.169.254/32") as net:
        shop = net.run(ScriptShop, host=PUBLIC)
        insides = [net.run(ScriptShop, host=host) for host in ("127.0.0.1", "10.0.0.1", "169.254.169.254")]
        for one in (shop, *insides):
            one.__enter__()
        named = f"http://{socket.gethostname()}:{insides[0].port}"  # a name of this machine
        tries = [attempts(inside.url, number) for number, inside in enumerate(insides)]
        shop.script = "".join(tries) + f"fetch('{named}/named').catch(() => 0); agreed();"
        for number, inside in enumerate(insides):
            shop.pages[f"/hop{number}"] = (302, {"Location": f"{inside.url}/redirect"}, b"")
            shop.pages[f"/leave{number}"] = (302, {"Location": f"{inside.url}/page"}, b"")
        leaving = [f"{shop.url}/leave{number}" for number in range(len(insides))]
        site(shop, fetch={"allow_private_addresses": False}, category_urls=[f"{shop.url}/", *leaving])
        done, rows = net.run(scrape)
        assert len(rows) == 12, done
        assert done.code == 3, done
        accepted = sum((inside.connections for inside in insides))
        print(f"{accepted} connections at {len(insides)} private listeners")
        assert accepted == 0, [inside.requests for inside in insides]
        assert done.err.count(": refused, ") >= len(insides)
        assert (done.out + done.err).count("the page in the browser was stopped") >= len(insides)
        assert shop.requests["/socket"] == 0
        for one in (shop, *insides):
            one.__exit__()


@in_a_namespace
@pytest.mark.parametrize("browser", ["auto", "running"])
def test_names_that_are_bound_anew_reach_no_private_host(site, scrape, browser):
    server = configured_server()
    with NetworkNamespace(f"{PUBLIC}/32", "10.0.0.1/32", f"{server}/32") as net:
        inside = net.run(ScriptShop, host="10.0.0.1")
        shop = net.run(ScriptShop, host=PUBLIC, port=inside.port)
        # Judged by the first answer, dialled by the second.
        rebinding = ("plain.example", "secure.example", "script.example")
        names = {name: [[PUBLIC], ["10.0.0.1"]] for name in rebinding} | {"shop.example": [PUBLIC]}
        dns = net.run(NameServer, server, names)
        shop.script = f"fetch('http://script.example:{shop.port}/script').catch(() => 0); agreed();"
        pages = [
            f"{scheme}://{name}.example:{shop.port}/"
            for scheme, name in (("http", "shop"), ("http", "plain"), ("https", "secure"))
        ]
        with shop, inside, contextlib.ExitStack() as running:
            fetch = {"allow_private_addresses": False}
            if browser == "running":
                fetch["browser"] = net.run(running.enter_context, net.run(Chromium)).url
            site(shop, fetch=fetch, category_urls=pages)
            done, rows = net.run(scrape)
        dns.close()
        print(f"{inside.connections} accepts at the private listener, {len(rebinding)} names bound anew ({browser})")
        assert inside.connections == 0, (inside.requests, done)
        assert done.code == 3, done
        assert len(rows) == 12, "the shop of the name that stays is read"
        refused = [line for line in done.err.splitlines() if "10.0.0.1 is private, 10.0.0.0/8" in line]
        for name in rebinding:
            assert any(f"{name}:{shop.port}" in line for line in refused), done


def attempts(address, number):
    """JavaScript that tries every way to a host."""
    socket_address = address.replace("http", "ws")
    return f"""{{
      const address = '{address}';
      fetch(address + '/fetch').catch(() => 0);
      fetch('/hop{number}').catch(() => 0);
      new Image().src = address + '/image';
      for (const [name, value] of [['src', address + '/frame'], ['srcdoc', '<script src="' + address + '/srcdoc"></scr' + 'ipt>'],
          ['src', 'data:text/html,<script src="' + address + '/data"></scr' + 'ipt>']]) {{
        for (const sandbox of [null, 'allow-scripts']) {{
          const frame = document.createElement('iframe');
          if (sandbox) frame.setAttribute('sandbox', sandbox);
          frame[name] = value;
          document.body.append(frame);
        }}
      }}
      const bare = document.body.appendChild(document.createElement('iframe'));
      for (const place of [window, bare.contentWindow]) {{
        try {{ new place.WebSocket('{socket_address}/socket'); }} catch {{}}
        try {{ new place.EventSource(address + '/events'); }} catch {{}}
        try {{ new place.SharedWorker('data:text/javascript,fetch("' + address + '/shared")'); }} catch {{}}
        try {{ place.open(address + '/open'); }} catch {{}}
      }}
      new Worker(URL.createObjectURL(new Blob(["fetch('" + address + "/worker'); new WebSocket('{socket_address}/w')"])));
      navigator.sendBeacon(address + '/beacon');
      for (const rel of ['prefetch', 'preload', 'preconnect', 'stylesheet', 'icon']) {{
        const link = document.createElement('link');
        Object.assign(link, {{rel, href: address + '/' + rel, as: 'script'}});
        document.head.append(link);
      }}
      const form = document.createElement('form');
      Object.assign(form, {{action: address + '/form', target: '_blank'}});
      document.body.append(form);
      form.submit();
    }}"""


class Chromium:
    """A running browser, as catwalk-browser.service serves it; `elsewhere`: where a public address leads in it."""

    def __init__(self, elsewhere=None):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.profile = pathlib.Path(tempfile.mkdtemp())
        (self.profile / "Default").mkdir()
        (self.profile / "Default" / "Preferences").write_text('{"net":{"network_prediction_options":2}}')
        command = [
            *("chromium", "--headless=new", f"--remote-debugging-port={self.port}", "--no-first-run"),
            *("--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={self.profile}"),
        ]
        if elsewhere:
            command.append(f"--host-resolver-rules=MAP {PUBLIC}:80 {elsewhere}")
        if os.geteuid() == 0:
            command.append("--no-sandbox")
        self.process = subprocess.Popen(
            [*command, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
        )

    def __enter__(self):
        def answers():
            try:
                return urllib.request.urlopen(f"{self.url}/json/version", timeout=2).read()
            except OSError:
                return None

        wait_until(answers, 30, "Chromium does not listen")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.profile, ignore_errors=True)


def test_a_running_browser_is_connected_to_and_left_running(site, scrape, temporary):
    with ScriptShop(products=8) as shop, Chromium() as chromium:
        for address in (chromium.url, chromium.url.replace("http", "ws")):
            site(shop, fetch={"browser": address})
            done, rows = scrape("--refresh")
            assert (done.code, len(rows)) == (0, 8), done
        assert chromium.process.poll() is None
        assert nothing_left(temporary)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_run_that_is_stopped(site, catwalk, temporary, how):
    with ScriptShop() as shop:
        shop.pages["/"] = (200, {"Content-Type": "text/html"}, b"<body><script>setInterval(() => 0, 50)</script>")
        site(shop, fetch={"pages": {"timeout": "60s"}})
        run = catwalk.begin("scrape", "Script", "--allow-untrained", env={"TMPDIR": str(temporary)})
        wait_until(lambda: shop.requests["/"], 60, "the page was not asked for")
        assert processes_of(temporary)
        run.process.send_signal(how)
        begun = time.monotonic()
        code = run.wait(30)
        if how != signal.SIGKILL:
            assert code == 130, run.err
            assert not processes_of(temporary), "the browser outlives the run"
        wait_until(lambda: nothing_left(temporary), 10, f"left: {processes_of(temporary)}")
        print(f"gone {time.monotonic() - begun:.1f} s after {how.name}")


def test_a_browser_that_dies_leaves_the_plain_page(site, catwalk, temporary):
    with ScriptShop() as shop:
        shop.pages["/"] = (200, {"Content-Type": "text/html"}, b"<body><script>setInterval(() => 0, 50)</script>")
        site(shop)
        run = catwalk.begin("scrape", "Script", "--allow-untrained", env={"TMPDIR": str(temporary)})
        wait_until(lambda: shop.requests["/"], 60, "the page was not asked for")
        time.sleep(0.5)
        for process in processes_of(temporary):
            command = pathlib.Path(f"/proc/{process}/cmdline").read_bytes()
            if b"--type=" not in command and b"keeper" not in command and not command.startswith(b"sh\0"):
                os.kill(process, signal.SIGKILL)
        assert run.wait(60) == 3, run.err
        assert run.err.count("without running their scripts") == 1
        assert shop.requests["/"] == 2
        wait_until(lambda: nothing_left(temporary), 10, f"left: {processes_of(temporary)}")
