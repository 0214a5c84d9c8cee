"""The service manager's side of sd_notify: receives what a service tells it."""

import os
import socket
import threading
import time


class NotifySocket:
    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.messages = []  # (seconds since the start, {name: value})
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(0.1)
        self._begun = time.monotonic()
        self._over = False
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def _receive(self):
        while not self._over:
            try:
                text = self._socket.recv(65536).decode()
            except TimeoutError:
                continue
            fields = dict(line.split("=", 1) for line in text.splitlines())
            self.messages.append((time.monotonic() - self._begun, fields))

    def close(self):
        self._over = True
        self._thread.join()
        self._socket.close()

    def times(self, name, value=None):
        """When a field came, in seconds since the start."""
        return [at for at, fields in list(self.messages) if name in fields and value in (None, fields[name])]

    def values(self, name):
        return [fields[name] for _, fields in list(self.messages) if name in fields]
