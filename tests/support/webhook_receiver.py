"""A receiver of webhooks on loopback that checks what it gets as Standard Webhooks asks, and misbehaves on demand."""

import base64
import collections
import hashlib
import hmac
import http.server
import json
import socket
import threading
import time

from .loopback_http import LoopbackHttp


class WebhookReceiver(LoopbackHttp):
    """`faults`: what happens to the next requests, one each: a status, (status, headers), "reset" (no answer),
    "taken-reset" (taken, and the answer lost) or "stall" (no answer until the receiver is stopped)."""

    def __init__(self, secret):
        self.key = (
            base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
        )
        self.faults = collections.deque()
        self.tries, self.taken, self.problems = [], [], []
        self.stopped = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_):
                pass

        super().__init__(Handler)

    @property
    def url(self):
        return f"{self.origin}/hook"

    def release(self):
        self.stopped.set()

    def check(self, headers, body):
        """The event's id; what is wrong goes into `problems`."""
        event, sent, signatures = (headers.get(f"webhook-{n}") for n in ("id", "timestamp", "signature"))
        if not (event and sent and signatures):
            self.problems.append(f"headers are missing: {dict(headers)}")
            return event
        if abs(time.time() - int(sent)) > 300:
            self.problems.append(f"{event}: sent at {sent}")
        digest = hmac.new(self.key, f"{event}.{sent}.".encode() + body, hashlib.sha256).digest()
        if "v1," + base64.b64encode(digest).decode() not in signatures.split(" "):
            self.problems.append(f"{event}: signature {signatures}")
        return event

    def answer(self, request, body):
        event = self.check(request.headers, body)
        fault = self.faults.popleft() if self.faults else 204
        self.tries.append((event, fault))
        if fault == "stall":
            self.stopped.wait()
        if fault in ("stall", "reset", "taken-reset"):
            if fault == "taken-reset":
                self.taken.append((event, json.loads(body)))
            request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            request.connection.shutdown(socket.SHUT_RDWR)
            request.close_connection = True
            return
        status, headers = fault if isinstance(fault, tuple) else (fault, {})
        if 200 <= status < 300:
            self.taken.append((event, json.loads(body)))
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def events(self, kind=None):
        """What was taken, each event once, in the order in which it came first: {id: body}."""
        return {event: body for event, body in self.taken if kind is None or body["type"] == kind}
