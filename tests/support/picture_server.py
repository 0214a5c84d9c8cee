"""Serves pictures on loopback: bytes by path, redirects, and answers that are held back until they are released."""

import http.server
import threading

from .loopback_http import LoopbackHttp


class PictureServer(LoopbackHttp):
    """`files`: path to bytes; `redirects`: path to address. Paths under /held/ wait for `release()`."""

    def __init__(self, files, redirects=None):
        self.files, self.redirects = dict(files), dict(redirects or {})
        self.seen = []
        self._released = threading.Event()
        pictures = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                pictures.seen.append((self.path, dict(self.headers)))
                if self.path in pictures.redirects:
                    self.send_response(302)
                    self.send_header("Location", pictures.redirects[self.path])
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                path = self.path
                if path.startswith("/held/"):
                    pictures._released.wait(60)
                    path = path.removeprefix("/held")
                body = pictures.files.get(path)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                try:
                    self.wfile.write(body or b"")
                except ConnectionError:
                    pass

            def log_message(self, *_):
                pass

        super().__init__(Handler)

    def release(self):
        self._released.set()
