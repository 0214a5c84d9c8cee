"""Serves one file on loopback as the download servers of models do: HEAD, GET, Range; and breaks off on demand."""

import dataclasses
import http.server
import re
import socket
import threading

from .loopback_http import LoopbackHttp


@dataclasses.dataclass
class Seen:
    method: str
    range: str | None
    sent: int = 0  # bytes of the body


class ModelServer(LoopbackHttp):
    """`cuts`: the n-th GET's connection ends after so many bytes of its body. `stall_at`: no byte from this position
    of the file on is sent before `release()`. `ranges` False: every answer is the whole file. `body` None: 404."""

    def __init__(self, body, cuts=(), stall_at=None, ranges=True):
        self.body, self.cuts, self.stall_at, self.ranges = body, list(cuts), stall_at, ranges
        self.seen = []
        self._released = threading.Event()
        model_server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self):
                model_server._answer(self, "HEAD")

            def do_GET(self):
                model_server._answer(self, "GET")

            def log_message(self, *_):
                pass

        super().__init__(Handler)

    @property
    def url(self):
        return f"{self.origin}/clip/ViT-B-32.pt"

    @property
    def gets(self):
        return [seen for seen in self.seen if seen.method == "GET"]

    def release(self):
        """Sends the rest of what `stall_at` held back."""
        self.stall_at = None
        self._released.set()

    def _answer(self, request, method):
        seen = Seen(method, request.headers.get("Range"))
        self.seen.append(seen)
        if self.body is None:
            request.send_response(404)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        wanted = re.fullmatch(r"bytes=(\d+)-", seen.range or "") if self.ranges else None
        start = int(wanted[1]) if wanted else 0
        if start >= len(self.body):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(self.body)}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(206 if wanted else 200)
        if wanted:
            request.send_header("Content-Range", f"bytes {start}-{len(self.body) - 1}/{len(self.body)}")
        request.send_header("Content-Length", str(len(self.body) - start))
        request.send_header("Content-Type", "application/octet-stream")
        request.end_headers()
        if method == "GET":
            self._send(request, seen, start)

    def _send(self, request, seen, start):
        end = len(self.body)
        cut = self.cuts.pop(0) if self.cuts else None
        if cut is not None:
            end = min(end, start + cut)
        held = self.stall_at
        try:
            if held is not None and held < end:
                request.wfile.write(self.body[start:held])
                seen.sent = held - start
                self._released.wait(60)
                start = held
            request.wfile.write(self.body[start:end])
            seen.sent += end - start
        except ConnectionError:
            return
        if cut is not None:
            # An orderly end: a reset would take with it what the client has not read yet.
            request.close_connection = True


class SilentServer:
    """Accepts connections and never says a word."""

    def __enter__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/ViT-B-32.pt"
        return self

    def __exit__(self, *_):
        self._socket.close()
