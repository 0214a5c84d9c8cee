"""What shows over many rows. Short by default; CATWALK_LONG=1 runs the long form (`scripts/soak rows`)."""

import json
import math
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
# What the sink says when it wants a person. Then it parks and tries one row a minute: few of them, far apart, and in
# the short form one alone, behind which the daemon starts anew instead of waiting.
PARKING = [
    ("respond", {"status": 402, "body": "quota"}),
    ("respond", {"status": 540, "body": "paused"}),
    ("respond", {"status": 401, "body": '{"message":"Invalid API key"}'}),
    ("sql_error", {"sqlstate": "25006"}),
    ("sql_error", {"sqlstate": "42501"}),
]
SHARE = 0.2


def share_of(number):
    each = SHARE / len(FAULTS)
    return each / (1 - each * number)


def least_failed(requests):
    """How many of so many requests fail at least, each by itself with the chance SHARE: three standard deviations
    below the mean, which one run in 740 would miss by chance if the seeds were not fixed."""
    return SHARE * requests - 3 * math.sqrt(SHARE * (1 - SHARE) * requests)


def test_rows_through_a_sink_that_fails(catwalk, configure, supabase, workdir):
    """Row for row equal at the end, vectors bit-equal after the text round trip, nothing twice."""
    rows, batch = (100_000, 100) if LONG else (2_000, 20)
    subprocess.run([FILLER, "fill", workdir / "state", str(rows)], check=True, timeout=1200)
    values = configure(None, supabase, sites="[]", schedule=IDLE, sink={"batch": batch}, log={"level": "info"})
    parking = PARKING if LONG else PARKING[:1]
    for number, (kind, settings) in enumerate(parking):
        supabase.fault(kind, path="/rest/v1/products", method="POST", times=1, skip=30 * (number + 1), **settings)
    for number, (kind, settings) in enumerate(FAULTS):
        supabase.fault(kind, path="/rest/v1/products", probability=share_of(number), seed=number, **settings)
    begun = time.monotonic()
    process = catwalk.daemon(values["port"], "--allow-untrained", timeout=300)

    def outbox():
        return json.loads(process.get("/health", timeout=60)[2]).get("outbox")

    if not LONG:
        wait_until(lambda: (outbox() or {}).get("parked"), 200, "the sink's quota did not park it")
        assert process.terminate() == 0
        process = catwalk.daemon(values["port"], "--allow-untrained", timeout=300)

    def drained():
        now = outbox()
        return now and now["waiting"] == 0 and now["sent"] > 0 and now

    outbox_at_the_end = wait_until(drained, timeout=7200 if LONG else 400, message="the outbox did not drain")
    took = time.monotonic() - begun
    rules = supabase.control("faults")
    supabase.clear_faults()
    assert process.terminate() == 0
    assert outbox_at_the_end["dead"] == 0
    assert all(rule["left"] == 0 for rule in rules[: len(parking)]), "it was never parked"
    failing = rules[len(parking) :]
    failed = sum(rule["applied"] for rule in failing)
    assert {rule["kind"] for rule in failing if rule["applied"]} == {kind for kind, _ in FAULTS} or not LONG
    asked = sum(seen["path"] == "/rest/v1/products" for seen in supabase.requests()) - len(parking)

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
        failed=f"{failed} ({failed / max(asked, 1):.1%})",
        parked=len(parking),
        rows_lost=0,
        rows_twice=0,
        vectors_not_bit_equal=0,
        dead_letters=0,
        seconds=round(took),
    )
    assert failed >= least_failed(asked)
