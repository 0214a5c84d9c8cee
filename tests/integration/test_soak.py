"""What shows over many rows. Short by default; CATWALK_LONG=1 runs the long form (`scripts/soak rows`)."""

import json
import os
import pathlib
import sqlite3
import subprocess
import time

import numpy as np

from tests.support.catwalk_binary import ROOT, wait_until
from tests.support.daemon_door import IDLE
from tests.support.figures import counted

LONG = os.environ.get("CATWALK_LONG") == "1"
FILLER = pathlib.Path(os.environ.get("CATWALK_SEARCH_BENCH", ROOT / "build/release/bench/search_bench"))

# Every way in which the contract server can fail a request, with the status and codes of each that mean "later".
# Each takes its part of what the ones before it left over.
FAULTS = [
    ("respond", {"status": 408}),
    ("respond", {"status": 429, "headers": {"Retry-After": "1"}}),
    ("respond", {"status": 500, "body": "<html>oops</html>"}),
    ("respond", {"status": 502, "body": "<html>bad gateway</html>", "after": True}),
    ("respond", {"status": 503}),
    ("respond", {"status": 504, "after": True}),
    ("stall", {"seconds": 1}),
    ("stall", {"seconds": 1, "after": True}),
    ("reset", {"bytes": 0}),
    ("reset", {"bytes": 30, "after": True}),
    ("drop", {}),
    ("truncate", {}),
    ("slow", {"seconds": 1}),
    ("sql_error", {"sqlstate": "40001"}),
    ("sql_error", {"sqlstate": "40P01"}),
    ("statement_timeout", {}),
]
SHARE = 0.2


def share_of(number):
    each = SHARE / len(FAULTS)
    return each / (1 - each * number)


def test_rows_through_a_sink_that_fails(catwalk, configure, supabase, workdir):
    """Row for row equal at the end, vectors bit-equal after the text round trip, nothing twice."""
    rows, batch = (100_000, 100) if LONG else (2_000, 20)
    subprocess.run([FILLER, "fill", workdir / "state", str(rows)], check=True, timeout=1200)
    values = configure(None, supabase, sites="[]", schedule=IDLE, sink={"batch": batch}, log={"level": "info"})
    for number, (kind, settings) in enumerate(FAULTS):
        supabase.fault(
            kind, path="/rest/v1/products", method="POST", probability=share_of(number), seed=number, **settings
        )
    begun = time.monotonic()
    process = catwalk.daemon(values["port"], "--allow-untrained", timeout=300)

    def sent():
        outbox = json.loads(process.get("/health", timeout=60)[2]).get("outbox")
        return outbox and outbox["waiting"] == 0 and outbox["sent"] > 0 and outbox

    outbox = wait_until(sent, timeout=7200 if LONG else 400, message="the outbox did not drain")
    took = time.monotonic() - begun
    rules = supabase.control("faults")
    supabase.clear_faults()
    assert process.terminate() == 0
    assert outbox["dead"] == 0
    requests = supabase.requests("POST")
    failed = sum(rule["applied"] for rule in rules)
    assert {rule["kind"] for rule in rules if rule["applied"]} == {kind for kind, _ in FAULTS} or not LONG
    asked = sum(seen["path"] == "/rest/v1/products" for seen in requests)

    vectors = np.fromfile(workdir / "state" / "vectors.f32", "<f4").reshape(rows, -1)
    db = sqlite3.connect(workdir / "state" / "catwalk.sqlite3")
    wanted = dict(db.execute("select id, fields from products"))
    db.close()
    stored = 0
    # By pages, so that 100,000 rows with their vectors are not all in memory as text.
    last = ""
    while found := supabase.sql(
        "select id, title, product_url, image_url, category, gender, source, image_embedding::text from products "
        "where id > %s order by id limit 5000",
        [last],
    ):
        for row in found:
            item = json.loads(wanted[row[0]])
            names = ("title", "product_url", "image_url", "category", "gender", "source")
            assert row[1:7] == tuple(item[name] for name in names), row[0]
            number = int(row[0].removeprefix("product-"))
            assert np.array_equal(np.array(json.loads(row[7]), np.float32), vectors[number]), row[0]
            stored += 1
        last = found[-1][0]
    assert stored == rows == len(wanted), "rows are missing"
    assert supabase.sql("select count(*), count(distinct id) from products") == [(rows, rows)]
    counted(
        "a sink that fails",
        rows=rows,
        requests=asked,
        failed=f"{failed} ({failed / max(asked, 1):.0%})",
        rows_lost=0,
        rows_twice=0,
        vectors_not_bit_equal=0,
        dead_letters=0,
        seconds=round(took),
    )
    assert failed >= 0.1 * asked
