"""The running daemon against its own description: requests that `openapi.json` permits, and some that it does not,
made by schemathesis; every answer must be one that is described."""

import json
import pathlib
import subprocess
import sys

import pytest

from tests.support.catwalk_binary import wait_until
from tests.support.daemon_door import IDLE, Daemon

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "daemon" / "openapi.json"

# It never ends; test_api.py reads it.
ENDLESS = "/api/v1/events"


@pytest.fixture
def daemon(catwalk, configure, workdir, shop):
    # No private address: what the probe is given may not be asked.
    values = configure(shop, schedule=IDLE)
    assert catwalk("scrape", "--limit", "10", "--allow-untrained").code == 0
    process = catwalk.daemon(values["port"], "--allow-untrained")
    wait_until(lambda: process.get("/-/ready")[0] == 200)
    return Daemon(process, workdir / "state")


def test_every_answer_is_described(daemon, workdir):
    known = json.loads(
        daemon.ask("GET", "/api/v1/products?limit=1", Authorization=f"Bearer {daemon.token}")[2]
    )
    product = known["items"][0]["id"]
    # So that not only strangers are asked for.
    document = json.loads(DOCUMENT.read_text())
    parameters = document["components"]["parameters"]
    for name, example in (("product_id", product), ("run_id", 1), ("site_name", "Zara"), ("failure_id", 1)):
        parameters[name]["example"] = example
    described = workdir / "openapi.json"
    described.write_text(json.dumps(document))
    # What a shop's server did wrong is told as 502 and 504; a mistake of the daemon's own is 500.
    (workdir / "schemathesis.toml").write_text(
        '[checks]\nnot_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 502, 503, 504]\n'
        # A list that is far too long is refused by its size before it is read.
        'negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "413", "422", "429", "5xx"]\n'
    )
    done = subprocess.run(
        [
            pathlib.Path(sys.executable).parent / "schemathesis",
            "run",
            described,
            f"--url=http://127.0.0.1:{daemon.port}",
            f"--header=Authorization: Bearer {daemon.token}",
            f"--exclude-path={ENDLESS}",
            "--checks=not_a_server_error,status_code_conformance,content_type_conformance,"
            "response_headers_conformance,response_schema_conformance,negative_data_rejection,"
            "missing_required_header,unsupported_method",
            "--phases=examples,coverage,fuzzing",
            "--max-examples=15",
            "--max-time=60",
            "--seed=1",
            "--request-timeout=20",
            "--no-color",
        ],
        cwd=workdir,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    # A request of a thousand numbers says no more than its beginning.
    said = "\n".join(line[:300] for line in (done.stdout + done.stderr).splitlines())
    assert done.returncode == 0, said[-15000:]
    assert daemon.process.ended is None
