"""An HTTP server on loopback in a thread of its own, which the test servers are made from."""

import http.server
import threading


class LoopbackHttp:
    """Serves with `handler` (a BaseHTTPRequestHandler) between entering and leaving; a request is a thread."""

    def __init__(self, handler):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.release()
        self._server.shutdown()
        self._server.server_close()

    @property
    def origin(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def release(self):
        """Lets go of requests that are held back, where a server holds any."""
