"""A shop whose pages begin at once and then drip, a byte a second."""

import http.server
import time

from .loopback_http import LoopbackHttp


class SlowShop(LoopbackHttp):
    """`endured`: for how long each client listened before it hung up, in seconds."""

    def __init__(self):
        endured = self.endured = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                began = time.monotonic()
                try:
                    for _ in range(1000):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                        time.sleep(1)
                except OSError:
                    endured.append(time.monotonic() - began)

            def log_message(self, *_):
                pass

        super().__init__(Handler)
