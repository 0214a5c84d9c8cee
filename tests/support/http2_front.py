"""A plain server on loopback as a client sees it behind HTTP/2 and TLS, which is how most shops are served."""

import json
import pathlib
import subprocess

from .tls_proxy import make_certificate


class Http2Front:
    """`faults`: see http2_front.cjs. `certificate` is what a client has to trust."""

    def __init__(self, target_port, folder, **faults):
        self.certificate = make_certificate(folder, "IP:127.0.0.1")
        script = pathlib.Path(__file__).with_suffix(".cjs")
        self._process = subprocess.Popen(
            ["node", script, self.certificate, str(target_port), json.dumps(faults)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = f"https://127.0.0.1:{int(self._process.stdout.readline())}"

    def counts(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.stdout.close()
