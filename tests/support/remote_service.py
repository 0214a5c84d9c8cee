"""A remote encoder on loopback that speaks the predecessor's contract: {"image": URL, "type": "url"} -> {"embedding": […]}."""

import hashlib
import http.server
import json
import threading
import time

import numpy as np

from .loopback_http import LoopbackHttp


def vector_of(image, width=512):
    """Some vector of length 1 that goes with an image's address or bytes."""
    seed = int.from_bytes(hashlib.sha256(image.encode()).digest()[:8], "big")
    values = np.random.default_rng(seed).normal(size=width)
    return (values / np.linalg.norm(values)).tolist()


class RemoteService(LoopbackHttp):
    """`fault`: None, "slow", "500", "cut", "width" or "nonsense", for the next `faults` requests (None: for all)."""

    def __init__(self, seconds=0.0):
        self.seen, self.fault, self.faults, self.seconds = [], None, None, seconds
        self.in_flight = self.most_in_flight = 0
        self._lock = threading.Lock()
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with service._lock:
                    service.seen.append((body, dict(self.headers)))
                    service.in_flight += 1
                    service.most_in_flight = max(service.most_in_flight, service.in_flight)
                    fault = service.fault if service.faults != 0 else None
                    if service.faults:
                        service.faults -= 1
                try:
                    time.sleep(service.seconds)
                    service._answer(self, body, fault)
                finally:
                    with service._lock:
                        service.in_flight -= 1

            def log_message(self, *_):
                pass

        super().__init__(Handler)

    @staticmethod
    def _answer(request, body, fault):
        if fault == "slow":
            time.sleep(5)
        if fault == "500":
            request.send_response(500)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        text = json.dumps({"embedding": vector_of(body["image"], 256 if fault == "width" else 512)})
        if fault == "nonsense":
            text = "<html>starting up</html>"
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        try:
            request.wfile.write(text[: len(text) // 2 if fault == "cut" else None].encode())
        except ConnectionError:
            pass
        if fault == "cut":
            request.close_connection = True

    @property
    def url(self):
        return f"{self.origin}/embed"
