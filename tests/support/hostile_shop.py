"""A shop that means harm, on one address: each path answers in its own way."""

import collections
import gzip
import http.server
import time

from .loopback_http import LoopbackHttp


class HostileShop(LoopbackHttp):
    """`answers` maps a path to a function that gets the request's handler. Counts connections and requests."""

    def __init__(self, host="127.0.0.1", answers=None):
        self.answers = answers or {}
        self.requests = collections.Counter()
        shop = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.partition("?")[0]
                shop.requests[path] += 1
                try:
                    shop.answers.get(path, not_found)(self)
                except OSError:
                    pass  # catwalk has had enough

            def log_message(self, *_):
                pass

        super().__init__(Handler, host)
        self.__enter__()

    def close(self):
        self.__exit__()


def not_found(handler):
    handler.send_error(404)


def body(data, kind="text/html", **headers):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def redirect(location):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", location)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def gzip_bomb(size):
    return body(gzip.compress(b"<p>" * (size // 3), 9), Content_Encoding="gzip")


def stream(piece, pause):
    """The same piece for ever, with a pause between two."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        while True:
            handler.wfile.write(piece)
            handler.wfile.flush()
            if pause:
                time.sleep(pause)

    return answer
