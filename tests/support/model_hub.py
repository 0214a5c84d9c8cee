"""A hub of models on loopback, as Hugging Face's answers: listings, small files, and redirects of large ones to a
storage of its own."""

import hashlib
import http.server
import json
import re

from .loopback_http import LoopbackHttp
from .model_server import ModelServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 10_000


class Storage(ModelServer):
    """Where the hub sends for a large file. `cuts`: see ModelServer."""

    def __init__(self, files, cuts=()):
        super().__init__(b"", cuts)
        self.files, self.authorizations = files, []

    def _answer(self, request, method):
        self.authorizations.append(request.headers.get("Authorization"))
        self.body = self.files[request.path.lstrip("/")]
        super()._answer(request, method)


class ModelHub(LoopbackHttp):
    """`models`: name to {path: bytes}. `token`: without it every answer is 401. `lies`: path to the SHA-256 that the
    listing claims."""

    def __init__(self, models, token=None, lies=None, cuts=()):
        self.models, self.token, self.lies, self.asked = models, token, lies or {}, []
        stored = {self._hash(body): body for files in models.values() for body in files.values()}
        self.storage = Storage(stored, cuts)
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self):
                hub._answer(self)

            def do_GET(self):
                hub._answer(self)

            def log_message(self, *_):
                pass

        super().__init__(Handler)

    def __enter__(self):
        self.storage.__enter__()
        return super().__enter__()

    def __exit__(self, *details):
        super().__exit__(*details)
        self.storage.__exit__(*details)

    @staticmethod
    def _hash(body):
        return hashlib.sha256(body).hexdigest()

    def _listing(self, name):
        siblings = []
        for path, body in self.models[name].items():
            blob = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
            entry = {"rfilename": path, "size": len(body), "blobId": blob}
            if len(body) > LARGE or path in self.lies:
                entry["lfs"] = {"sha256": self.lies.get(path, self._hash(body)), "size": len(body), "pointerSize": 134}
            siblings.append(entry)
        return {"id": name, "sha": COMMIT, "siblings": siblings}

    def _answer(self, request):
        self.asked.append((request.command, request.path))
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return self._send(request, 401, b"{}")
        if listing := re.fullmatch(r"/api/models/(.+?/.+?)/revision/main\?blobs=true", request.path):
            if listing[1] not in self.models:
                return self._send(request, 404, b"{}")
            return self._send(request, 200, json.dumps(self._listing(listing[1])).encode())
        wanted = re.fullmatch(rf"/([^/]+/[^/]+)/resolve/{COMMIT}/(.+)", request.path)
        body = self.models.get(wanted[1], {}).get(wanted[2]) if wanted else None
        if body is None:
            return self._send(request, 404, b"")
        if len(body) > LARGE:
            target = f"{self.storage.origin}/{self._hash(body)}"
            return self._send(request, 302, b"", Location=target, X_Linked_Etag=f'"{self._hash(body)}"')
        return self._send(request, 200, body)

    @staticmethod
    def _send(request, status, body, **headers):
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body)
