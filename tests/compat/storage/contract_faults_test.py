"""The contract server misbehaves as it is told."""

import socket
import time
import urllib.error

import pytest

from tests.compat.storage.plain_http import MERGE, row


def test_scripted_answers(call, server):
    server.fault(
        "respond", status=429, headers={"Retry-After": "7"}, body="slow down", times=2, method="POST"
    )
    for _ in range(2):
        reply = call("POST", "products", [row(1)])
        assert (reply.status, reply.headers["Retry-After"], reply.body) == (429, "7", b"slow down")
    assert call("GET", "products").json == []
    assert call("POST", "products", [row(1)]).status == 201


def test_faults_by_chance_repeat_with_the_seed(call, server):
    def pattern():
        server.clear_faults()
        server.fault("respond", status=500, probability=0.5, seed=3)
        return [call("GET", "products").status for _ in range(12)]

    first = pattern()
    assert first == pattern()
    assert set(first) == {200, 500}


def test_answer_may_be_lost_after_the_commit(call, server):
    server.fault("drop", times=1)
    with pytest.raises((ConnectionError, urllib.error.URLError)):
        call("POST", "products", [row(1)])
    assert server.writes() == {"p1": 1}
    server.fault("respond", status=502, body="", after=True, times=1)
    assert call("POST", "products", [row(2)]).status == 502
    assert len(server.rows()) == 2


def _raw_exchange(server, method="GET", path="/rest/v1/products"):
    """Everything the server sends, and whether it ended with a reset."""
    with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=10) as connection:
        connection.sendall(
            (
                f"{method} {path} HTTP/1.1\r\nHost: x\r\napikey: {server.key}\r\nContent-Length: 0\r\n\r\n"
            ).encode()
        )
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            return received, True
    return received, False


def test_reset_before_and_within_the_answer(call, server):
    call("POST", "products", [row(n) for n in range(5)])
    server.fault("reset", times=1)
    assert _raw_exchange(server) == (b"", True)
    server.fault("reset", times=1, bytes=40, after=True)
    received, was_reset = _raw_exchange(server)
    assert (len(received), was_reset) == (40, True)
    assert received.startswith(b"HTTP/1.1 200")


def test_truncated_answer(call, server):
    call("POST", "products", [row(n) for n in range(5)])
    server.fault("truncate", times=1)
    received, was_reset = _raw_exchange(server)
    head, _, body = received.partition(b"\r\n\r\n")
    promised = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert not was_reset
    assert 0 < len(body) < promised


def test_stall_and_slow(call, server):
    server.fault("stall", seconds=0.5, times=1)
    started = time.monotonic()
    assert call("GET", "products").status == 200
    assert time.monotonic() - started >= 0.5
    server.fault("stall", times=1, after=True)
    with pytest.raises(OSError):
        call("POST", "products", [row(1)], timeout=0.5)
    assert server.writes() == {"p1": 1}
    server.fault("slow", seconds=0.6, times=1)
    started = time.monotonic()
    assert len(call("GET", "products").json) == 1
    assert time.monotonic() - started >= 0.5


def test_statement_timeout_on_command(call, server):
    server.fault("statement_timeout", times=1)
    reply = call("POST", "products", [row(1)])
    assert (reply.status, reply.code) == (500, "57014")
    assert reply.json["message"] == "canceling statement due to statement timeout"
    assert server.rows() == []


def test_log_names_what_was_asked(call, server):
    call("GET", "products?id=eq.1")
    call("POST", "products", [row(1)], Prefer=MERGE)
    last = server.requests()[-1]
    assert (last["method"], last["path"], last["status"]) == ("POST", "/rest/v1/products", 201)
    assert last["headers"]["prefer"] == MERGE
    assert server.control("counts")["by_method"] == {"GET": 1, "POST": 1}


def test_unknown_fault_or_setting_is_refused(server):
    with pytest.raises(ValueError, match="no fault"):
        server.fault("explode")
    with pytest.raises(ValueError, match="no setting"):
        server.control("settings", nothing=1)
