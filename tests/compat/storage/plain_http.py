"""Requests to the contract server over plain HTTP, and rows to send."""

import json
import urllib.error
import urllib.request

ZEROS = [0.0] * 512
MERGE = "resolution=merge-duplicates,return=minimal"


def row(number, **more):
    return {
        "id": f"p{number}",
        "source": "scraper",
        "title": f"Title {number}",
        "image_url": f"http://i/{number}",
        "product_url": f"http://p/{number}",
        **more,
    }


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["code"]


def caller(server):
    """send(method, path, body, **headers with _ for -): the reply; as the service role unless told else."""

    def send(method, path, body=None, raw=None, timeout=20, **headers):
        given = {
            "apikey": server.key,
            "User-Agent": "test",
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        given = {name: value for name, value in given.items() if value is not None}
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if data is not None:
            given.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(f"{server.url}/rest/v1/{path}", data, given, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.headers, error.read())

    return send
