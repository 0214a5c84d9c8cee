"""Rows 11, 12, 13, 23 and 24 of docs/reliability.md, with the real binary: each test prints its figure."""

import os
import re
import socket
import subprocess
import time
import urllib.request

import pytest
import yaml

from tests.support.catwalk_binary import binary_path, environment, wait_until
from tests.support.daemon_door import IDLE
from tests.support.hostile_shop import HostileShop, body, gzip_bomb, redirect, stream
from tests.support.name_server import NameServer, configured_server
from tests.support.network_namespace import NetworkNamespace

in_a_namespace = pytest.mark.skipif(
    bool(NetworkNamespace.unavailable()) or not configured_server(),
    reason=NetworkNamespace.unavailable() or "no IPv4 name server is configured",
)
BROTLI_BOMB = bytes.fromhex(  # 50 MB of zeros
    "cbffff3f002400e2b14072effff8ffff078004401c1680eefd1fffffff00900088c302d0bdffe3ffff1f001200715800baf77ffcffff03"
    "4002200e0b40f7fe2fffe0f5004800c46101e8a0eb01"
)


def html_site(name, *addresses):
    html = {"category_urls": list(addresses), "product_selector": "p.product", "product_selectors": {"title": "b"}}
    return {"brand": name, "source": "hostile", "respect_robots": False, "html": html}


@pytest.fixture
def scrape(configure, workdir, models_dir):
    """scrape(sites, **settings): runs them; what was said, the seconds, and the most memory in MB."""

    def run(sites, **settings):
        configure(sites=yaml.safe_dump(sites, sort_keys=False), **settings)
        begun = time.monotonic()
        with open(workdir / "said", "wb") as said:
            process = subprocess.Popen(
                [binary_path(), "scrape", "--allow-untrained"],
                cwd=workdir,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        text = (workdir / "said").read_text(errors="replace")
        assert process.returncode >= 0, f"killed by signal {-process.returncode}:\n{text}"
        return process.returncode, text, time.monotonic() - begun, usage.ru_maxrss / 1024

    return run


@pytest.fixture
def memory_of_nothing(scrape):
    """What a run takes that reads one small page."""
    shop = HostileShop(answers={"/": body(b"<p>nothing")})
    _, _, _, most = scrape([html_site("Nothing", f"{shop.url}/")])
    shop.close()
    return most


def test_row_11_bombs_and_endless_streams(scrape, memory_of_nothing):
    shop = HostileShop(
        answers={
            "/gzip": gzip_bomb(300_000_000),
            "/brotli": body(BROTLI_BOMB, Content_Encoding="br"),
            "/endless": stream(b"<p>" * 20_000, 0),
            "/drip": stream(b"x", 1),
        }
    )
    sites = [html_site(path[1:], shop.url + path) for path in shop.answers]
    code, said, seconds, most = scrape(sites, fetch={"pages": {"timeout": "3s", "max_bytes": "5MB"}})
    shop.close()
    assert code == 3, said
    for path in ("/gzip", "/brotli", "/endless"):
        assert re.search(rf"{path}.*(5000000|5 ?MB|bytes)", said), said
    assert re.search(r"/drip.*within 3 s", said), said
    print(f"row 11: all ended after {seconds:.1f} s, {most - memory_of_nothing:.0f} MB more than an empty page")
    assert seconds < 3 * 3 + 10, "three tries of 3 s, their pauses, and the start"
    assert most < memory_of_nothing + 60


def test_row_12_redirects(scrape):
    cases = {
        "/loop": "/loop",
        "/six": "/hop5",
        "/file": "file:///etc/passwd",
        "/ftp": "ftp://127.0.0.1/x",
        "/gopher": "gopher://127.0.0.1:70/x",
        "/data": "data:text/html,<p class=product>",
        "/script": "javascript:alert(1)",
        "/unix": "unix:///run/x.sock",
    }
    shop = HostileShop(answers={path: redirect(to) for path, to in cases.items()})
    for hop in range(1, 6):
        shop.answers[f"/hop{hop}"] = redirect(f"/hop{hop - 1}")
    shop.answers["/hop0"] = body(b"<p class=product>")
    shop.answers["/five"] = redirect("/hop4")
    sites = [html_site(path[1:], shop.url + path) for path in [*cases, "/five"]]
    code, said, _, _ = scrape(sites)
    shop.close()
    assert code == 3, said
    # An error names the address that was asked for last.
    last = {path: "/hop1" if path == "/six" else path for path in cases}
    refused = [path for path in cases if re.search(rf"{re.escape(shop.url + last[path])}.*redirect", said)]
    print(f"row 12: {len(refused)} of {len(cases)} refused, {shop.requests['/loop']} requests by the loop")
    assert len(refused) == len(cases), said
    assert shop.requests["/loop"] == 6
    assert f"every item of the listing was skipped: {shop.url}/five" in said, "five hops are followed"
    assert "root:" not in said


PRIVATE = ("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1")
PUBLIC = "93.184.216.34"


@in_a_namespace
def test_row_13_private_hosts_are_never_dialled(scrape):
    server = configured_server()
    added = [f"{address}/32" for address in (PUBLIC, server, *PRIVATE[1:])]
    with NetworkNamespace(*dict.fromkeys(added)) as net:
        insides = [net.run(HostileShop, host) for host in PRIVATE]
        shop = net.run(HostileShop, PUBLIC)
        names = {f"inside{number}.example": [host] for number, host in enumerate(PRIVATE)}
        names |= {"both.example": [PUBLIC, PRIVATE[1]], "shop.example": [PUBLIC]}
        dns = net.run(NameServer, server, names)
        addresses = []
        for number, inside in enumerate(insides):
            port = inside.port
            shop.answers[f"/to{number}"] = redirect(f"{inside.url}/")
            shop.answers[f"/by-name{number}"] = redirect(f"http://inside{number}.example:{port}/")
            addresses += [
                f"{inside.url}/",
                f"http://[::ffff:{inside.host}]:{port}/",
                f"http://inside{number}.example:{port}/",
                f"http://{int.from_bytes(socket.inet_aton(inside.host), 'big')}:{port}/",
                f"http://{inside.host.split('.')[0]}.{int.from_bytes(socket.inet_aton(inside.host)[1:], 'big')}:{port}/",
                "http://" + ".".join(f"0{int(part):o}" for part in inside.host.split(".")) + f":{port}/",
                "http://" + ".".join(f"0x{int(part):x}" for part in inside.host.split(".")) + f":{port}/",
                f"{shop.url}/to{number}",
                f"{shop.url}/by-name{number}",
            ]
        shop.answers["/"] = body(b"<p class=product>")
        sites = [html_site(f"site{number}", address) for number, address in enumerate(addresses)]
        sites.append(html_site("Public", f"http://shop.example:{shop.port}/"))
        off = {"allow_private_addresses": False, "pages": {"timeout": "5s"}}
        code, said, seconds, _ = net.run(scrape, sites, fetch=off)
        accepted = sum(inside.connections for inside in insides)
        print(f"row 13: {accepted} accepts at {len(insides)} listeners, {len(addresses)} addresses, {seconds:.1f} s")
        for one in (*insides, shop, dns):
            one.close()
    assert code == 3, said
    assert accepted == 0
    assert shop.requests["/"] == 1, "the public shop is read by its name"
    assert shop.requests["/to0"] == 1
    unresolved = [line for line in said.splitlines() if "resolve" in line.lower()]
    assert not unresolved, unresolved


@in_a_namespace
def test_row_23_a_name_server_that_never_answers(catwalk, configure, workdir):
    server = configured_server()
    sites = [html_site(f"site{number}", f"http://shop{number}.example/") for number in range(20)]
    values = configure(
        sites=yaml.safe_dump(sites), fetch={"pages": {"timeout": "8s"}}, schedule=IDLE, log={"level": "info"}
    )
    with NetworkNamespace(f"{server}/32") as net:
        dns = net.run(NameServer, server, silent=True)
        daemon = net.run(catwalk.daemon, values["port"])
        token = (workdir / "state" / "http.token").read_text().strip()

        def post(path):
            asked = urllib.request.Request(
                f"http://127.0.0.1:{values['port']}{path}", method="POST", headers={"Authorization": f"Bearer {token}"}
            )
            return urllib.request.urlopen(asked, timeout=10).status

        def probe():
            begun = time.monotonic()
            assert daemon.get("/-/healthy")[0] == 200
            return time.monotonic() - begun

        net.run(wait_until, lambda: daemon.get("/-/ready")[0] == 200)
        for number in range(20):
            assert net.run(post, f"/api/v1/sites/site{number}/run") in (200, 202)
        wait_until(lambda: dns.questions, 20, "nobody asked the name server")
        waits, deadline = [], time.monotonic() + 6
        while time.monotonic() < deadline:
            waits.append(net.run(probe))
            time.sleep(0.02)
        metrics = net.run(daemon.get, "/metrics")[2]
        dns.close()
        daemon.kill()
    late = late_loops(metrics)
    waits.sort()
    print(
        f"row 23: {dns.questions} questions unanswered, loop later than 100 ms {late} times, "
        f"a probe's p99 {waits[int(len(waits) * 0.99)] * 1000:.0f} ms"
    )
    assert late == 0, metrics


def late_loops(metrics):
    """How many of the loop's wake-ups came more than 100 ms late."""
    buckets = dict(re.findall(r'catwalk_loop_latency_seconds_bucket\{le="([^"]+)"\} (\d+)', metrics))
    assert buckets, metrics
    bound = max(float(limit) for limit in buckets if limit != "+Inf" and float(limit) <= 0.1)
    within = next(int(count) for limit, count in buckets.items() if limit != "+Inf" and float(limit) == bound)
    return int(buckets["+Inf"]) - within


def test_row_24_deep_and_endless_documents(scrape, memory_of_nothing):
    api = {
        "items_path": "items",
        "field_map": {"external_id": "id", "image_url": "image", "price": "price", "title": "title"},
    }
    shop = HostileShop(
        answers={
            "/html": body(b"<div>" * 100_000),
            "/tables": body(b"<a><b><i><table><tr><td>" * 50_000),
            "/json": body(b"[" * 100_000 + b"]" * 100_000, "application/json"),
            "/objects": body(b'{"items":' * 100_000, "application/json"),
            "/large": body(b"[" + b"1," * 50_000_000 + b"1]", "application/json"),
        }
    )
    sites = [html_site(path[1:], shop.url + path) for path in ("/html", "/tables")]
    for path in ("/json", "/objects", "/large"):
        site = html_site(path[1:])
        del site["html"]
        sites.append(site | {"api": {"endpoint": shop.url + path} | api})
    code, said, seconds, most = scrape(sites)
    shop.close()
    assert code == 3, said
    for path, limit in {
        "/html": "512 open elements",
        "/tables": "512 open elements",
        "/json": "512 deep",
        "/objects": "512 deep",
        "/large": "50000000",
    }.items():
        assert re.search(rf"{path}.*{limit}", said), said
    print(f"row 24: all refused in {seconds:.1f} s, {most - memory_of_nothing:.0f} MB more than an empty page")
    assert most < memory_of_nothing + 250
