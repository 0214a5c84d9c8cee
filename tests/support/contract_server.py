"""Starts the contract server in a process of its own and steers it: for Python tests."""

import json
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

import psycopg

ROOT = pathlib.Path(__file__).resolve().parents[2]


class ContractServer:
    """`url`, `key` (of the service), `keys`, `dsn`; `control` speaks to the server, `sql` to its Postgres."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.postgrest", "--print-url", "--die-with-parent", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the contract server ended with {self.process.wait()}")
        self.__dict__.update({name: value for name, value in json.loads(line).items() if name != "pid"})

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def control(self, action, **data):
        """What the action answers; see `server.py`."""
        request = urllib.request.Request(
            f"{self.url}/__control/{action}", json.dumps(data).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(f"{action}: {error.read().decode()}") from None

    def reset(self):
        """No tables, faults or log; fresh keys of an earlier test are kept."""
        self.control("reset")
        self.refresh_keys(self.control("info")["keys"])

    def refresh_keys(self, keys):
        self.keys, self.key = keys, keys["secret"]

    def rotate_keys(self):
        self.refresh_keys(self.control("rotate_keys"))

    def create_table(self, layout, table="products", width=None):
        self.control("create_table", layout=layout, table=table, width=width)

    def fault(self, kind, **settings):
        self.control("fault", kind=kind, **settings)

    def clear_faults(self):
        self.control("clear_faults")

    def writes(self, table="products"):
        """Key to how often the row was written (inserts and updates)."""
        found = {}
        for entry in self.control("writes", table=table):
            if entry["operation"] != "delete":
                found[entry["key"]] = found.get(entry["key"], 0) + entry["times"]
        return found

    def requests(self, method=None):
        return [seen for seen in self.control("requests") if method in (None, seen["method"])]

    def sql(self, text, parameters=None):
        """Rows as tuples, over a connection of the superuser's."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(text, parameters)
            return cursor.fetchall() if cursor.description else []

    def rows(self, table="products", order="1"):
        """The table's rows as dictionaries, vectors as lists of numbers."""
        with psycopg.connect(self.dsn, row_factory=psycopg.rows.dict_row) as connection:
            found = connection.execute(f'select * from public."{table}" order by {order}').fetchall()
        return [{name: _vector(name, value) for name, value in row.items()} for row in found]


def _vector(name, value):
    return json.loads(value) if name.endswith("embedding") and isinstance(value, str) else value
