"""The daemon's HTTP server: the token, Host and Origin, sessions, slow clients."""

import json
import re
import selectors
import socket
import stat
import statistics
import time

import pytest

from tests.support.catwalk_binary import wait_until
from tests.support.daemon_door import IDLE, Daemon
from tests.support.descriptors import open_descriptors


@pytest.fixture
def start(catwalk, configure, workdir):
    def begin(env=None, **settings):
        settings.setdefault("schedule", IDLE)
        values = configure(sites="[]\n", **settings)
        return Daemon(catwalk.daemon(values["port"], env=env), workdir / "state")

    return begin


@pytest.fixture
def daemon(start):
    return start()


def test_the_token_is_made_once_and_kept_for_its_owner(catwalk, start, workdir):
    daemon = start()
    file = workdir / "state" / "http.token"
    made = daemon.token
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", made)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert catwalk("status", "--token").out.strip() == made
    assert daemon.process.terminate() == 0
    assert made not in daemon.process.err
    again = start()
    assert again.token == made
    assert catwalk("status", "--token").out.strip() == made


def test_a_configured_token_wins(catwalk, start, workdir):
    (workdir / "token").write_text("canary-5f1d3b\n")
    daemon = start(http={"token": {"file": str(workdir / "token")}})
    assert not (workdir / "state" / "http.token").exists()
    login = json.dumps({"token": "canary-5f1d3b"})
    assert daemon.ask("POST", "/api/v1/login", login)[0] == 204
    assert catwalk("status", "--token").out == "canary-5f1d3b\n"
    assert daemon.process.terminate() == 0
    assert "canary" not in daemon.process.err


def test_what_is_open_and_what_is_not(daemon):
    for path in ("/health", "/-/healthy", "/-/ready", "/metrics"):
        assert daemon.ask("GET", path)[0] in (200, 503), path
        status, headers, body = daemon.ask("HEAD", path)
        assert (status in (200, 503), body) == (True, "")
        assert int(headers["Content-Length"]) > 0
    assert daemon.ask("GET", "/nothing")[0] == 404
    status, headers, _ = daemon.ask("POST", "/metrics")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    for path in ("/embed", "/v1/embeddings"):
        status, headers, body = daemon.ask("POST", path, "{}")
        assert status == 401, body
        assert headers["WWW-Authenticate"].startswith("Bearer")
        assert "catwalk status --token" in body
        assert daemon.ask("POST", path, "{}", Authorization=f"Bearer {daemon.token[:-1]}x")[0] == 401


def test_a_stranger_cannot_make_it_read_a_large_body(daemon):
    """Without the token the answer comes on the headers alone."""
    with socket.create_connection(("127.0.0.1", daemon.port), 10) as client:
        client.sendall(b"POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000000\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 401"
    large = "x" * 41_000_000
    status, _, body = daemon.ask("POST", "/embed", large, Authorization=f"Bearer {daemon.token}")
    assert status == 413, body


def test_an_unknown_host_is_refused(start):
    daemon = start(http={"hosts": ["catwalk.example"]})
    for host in ("localhost", f"127.0.0.1:{daemon.port}", "[::1]", "catwalk.example", "CATWALK.example:443"):
        assert daemon.ask("GET", "/health", Host=host)[0] in (200, 503), host
    for host in ("evil.example", f"evil.example:{daemon.port}", ""):
        status, _, body = daemon.ask("GET", "/health", Host=host)
        assert status == 421, host
        assert "http.hosts" in body


def test_a_session(daemon):
    assert daemon.ask("POST", "/api/v1/login", json.dumps({"token": "guess"}))[0] == 401
    assert daemon.ask("POST", "/api/v1/login", "guess")[0] == 400
    assert daemon.ask("POST", "/api/v1/login", "x" * 5000)[0] == 413
    cookie = daemon.login()
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    value = cookie.split(";")[0]
    assert daemon.token not in value
    assert daemon.ask("GET", "/v1/models", Cookie=value)[0] in (200, 503)
    assert daemon.ask("GET", "/v1/models", Cookie=value[:-1] + "x")[0] == 401
    # Another page of this machine carries the cookie along (a site has no port): its Origin gives it away.
    own = f"http://127.0.0.1:{daemon.port}"
    host = f"127.0.0.1:{daemon.port}"
    foreign = daemon.ask("POST", "/embed", "{}", Cookie=value, Host=host, Origin="http://127.0.0.1:3000")
    assert foreign[0] == 403
    assert daemon.ask("POST", "/embed", "{}", Cookie=value, Host=host)[0] == 403
    assert daemon.ask("POST", "/embed", "{}", Cookie=value, Host=host, Origin=own)[0] != 403


def test_no_answer_invites_other_origins(daemon):
    _, headers, _ = daemon.ask("GET", "/health", Origin="http://evil.example")
    assert "Access-Control-Allow-Origin" not in headers
    assert daemon.ask("OPTIONS", "/embed", Origin="http://evil.example")[0] == 405


def dribblers(port, count, selector):
    """Clients that send a byte now and then, and come back when they are dropped."""
    for _ in range(count):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        selector.register(client, selectors.EVENT_READ)


def test_500_slow_clients_do_not_shut_a_monitor_out(daemon):
    """Each keeps a connection open and dribbles; who is dropped comes back at once. A good probe is answered."""
    wait_until(lambda: daemon.ask("GET", "/-/ready")[0] == 200)
    selector = selectors.DefaultSelector()
    dribblers(daemon.port, 500, selector)
    seconds, begun = [], time.monotonic()
    while len(seconds) < 200:
        assert time.monotonic() - begun < 120
        for key, _ in selector.select(timeout=0):
            try:
                gone = not key.fileobj.recv(100)
            except BlockingIOError:
                continue
            except OSError:
                gone = True
            if gone:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                dribblers(daemon.port, 1, selector)
        for number, key in enumerate(list(selector.get_map().values())):
            if number % 10 == len(seconds) % 10:
                try:
                    key.fileobj.send(b"X")
                except OSError:
                    pass
        asked = time.monotonic()
        status, _, _ = daemon.ask("GET", "/-/healthy")
        seconds.append(time.monotonic() - asked)
        assert status == 200
        time.sleep(0.01)
    for key in list(selector.get_map().values()):
        key.fileobj.close()
    selector.close()
    p99 = statistics.quantiles(seconds, n=100)[98]
    print(f"probes {len(seconds)}, median {statistics.median(seconds) * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms")
    assert p99 < 0.1
    assert open_descriptors(daemon.process.pid) < 200


def test_headers_have_ten_seconds_and_16_kilobytes(daemon):
    with socket.create_connection(("127.0.0.1", daemon.port), 30) as client:
        client.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 431"
    with socket.create_connection(("127.0.0.1", daemon.port), 30) as client:
        begun = time.monotonic()
        for byte in b"GET / HTTP/1.1\r\n":
            client.send(bytes([byte]))
            time.sleep(0.3)
        assert client.recv(1) == b""
        assert 9 < time.monotonic() - begun < 15
