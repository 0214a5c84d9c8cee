"""What shows over many rows and a long life. Short by default; CATWALK_LONG=1 runs the long form (`scripts/soak`)."""

import json
import os
import pathlib
import sqlite3
import subprocess
import time

import numpy as np

from tests.integration.test_sink_sync import sites_of
from tests.support.catwalk_binary import ROOT, wait_until
from tests.support.daemon_door import IDLE, Daemon
from tests.support.descriptors import open_descriptors
from tests.support.figures import counted
from tests.support.zara_shop import ZaraShop

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


def resident_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def test_a_long_life(catwalk, configure, supabase, workdir):
    """Memory, descriptors and the write-ahead log stay where they are however many products go through."""
    products, runs = (1_000, 100) if LONG else (60, 16)
    with ZaraShop(products, page_size=200) as shop:
        shop.fault("status", r"/assets/", status=404)
        values = configure(shop, supabase, sites_of(shop), schedule=IDLE, log={"level": "warn"})
        process = catwalk.daemon(values["port"], "--allow-untrained")
        wait_until(lambda: process.get("/-/ready")[0] == 200)
        daemon = Daemon(process, workdir / "state")
        memory, descriptors, log = [], [], []
        for number in range(runs):
            for product in shop.all_products:
                product.price = 10_000 + 100 * number
            status, _, text = daemon.ask(
                "POST", "/api/v1/sites/Zara/run", "{}", Authorization=f"Bearer {daemon.token}"
            )
            assert status == 202, text
            run = json.loads(text)["run"]

            def ended(run=run):
                _, _, told = daemon.ask("GET", f"/api/v1/runs/{run}", Authorization=f"Bearer {daemon.token}")
                return json.loads(told)["finished"]

            wait_until(ended, timeout=300)
            memory.append(resident_mb(process.pid))
            descriptors.append(open_descriptors(process.pid))
            log.append((workdir / "state" / "catwalk.sqlite3-wal").stat().st_size / 1e6)
        assert process.terminate() == 0
    half = memory[runs // 2 :]
    slope = np.polyfit(np.arange(len(half)) * products, half, 1)[0] * 1000
    counted(
        "a long life",
        products=products * runs,
        resident_MB=f"{half[0]:.1f} to {half[-1]:.1f}",
        KB_for_1000_products=f"{slope * 1024:.0f}",
        descriptors=f"{descriptors[runs // 2]} to {descriptors[-1]}",
        largest_wal_MB=f"{max(log):.1f}",
    )
    assert half[-1] - half[0] < max(8, 0.04 * half[0]), memory
    assert descriptors[-1] <= descriptors[runs // 2] + 4, descriptors
    assert max(log) < 64, log
