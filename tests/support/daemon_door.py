"""A running daemon, asked over HTTP as a client would."""

import http.client
import json

# A job that never comes, so that the daemon only answers.
IDLE = {"timezone": "UTC", "jobs": [{"name": "never", "cron": "0 0 1 1 *", "catch_up": False}]}


class Daemon:
    def __init__(self, process, state):
        self.process, self.port, self.state = process, process.port, state

    @property
    def token(self):
        return (self.state / "http.token").read_text().strip()

    def ask(self, method, path, body=None, **headers):
        """(status, headers, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=named)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def login(self):
        status, headers, _ = self.ask("POST", "/api/v1/login", json.dumps({"token": self.token}))
        assert status == 204
        return headers["Set-Cookie"]
