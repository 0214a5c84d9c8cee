"""An HTTP server on loopback in a thread of its own, which the test servers are made from."""

import http.server
import ssl
import threading


class LoopbackHttp:
    """Serves with `handler` (a BaseHTTPRequestHandler) between entering and leaving; a request is a thread.

    `certificate`: a PEM file with its key; it serves https then.
    """

    def __init__(self, handler, host="127.0.0.1", port=0, certificate=None):
        loopback = self
        self.connections = 0  # accepted so far

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def process_request(self, request, client_address):
                loopback.connections += 1
                super().process_request(request, client_address)

        self._server = Server((host, port), handler)
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            listener = self._server.socket
            self._server.socket = context.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.host, self.port = host, self._server.server_port

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.release()
        self._server.shutdown()
        self._server.server_close()

    @property
    def origin(self):
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def url(self):
        """What a test names to catwalk."""
        return self.origin

    def release(self):
        """Lets go of requests that are held back, where a server holds any."""


class AnsweringServer(LoopbackHttp):
    """Each GET gets what the subclass' `answer(target, headers)` gives: (status, headers, bytes)."""

    def __init__(self, host="127.0.0.1", port=0, certificate=None):
        answering = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                status, headers, body = answering.answer(self.path, self.headers)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        super().__init__(Handler, host, port, certificate)
