"""What a daemon does over months, as figures: stops under load, memory, descriptors, the write-ahead log. Short by
default; CATWALK_LONG=1 runs the long form of each."""

import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import time

from tests.integration.expectation import check_rows
from tests.support.catwalk_binary import binary_path, environment, wait_until
from tests.support.daemon_door import IDLE, Daemon
from tests.support.descriptors import open_descriptors
from tests.support.figures import counted
from tests.support.memory_cgroup import MemoryGroup
from tests.support.zara_shop import ZaraShop

LONG = os.environ.get("CATWALK_LONG") == "1"
MB = 1_000_000


def run_of(daemon):
    """Starts a run of all that the one site has; its number."""
    bearer = {"Authorization": f"Bearer {daemon.token}"}
    status, _, body = daemon.ask("POST", "/api/v1/sites/Zara/run", **bearer)
    return json.loads(body)["run"] if status == 202 else None


def ended(daemon, run):
    bearer = {"Authorization": f"Bearer {daemon.token}"}
    return json.loads(daemon.ask("GET", f"/api/v1/runs/{run}", **bearer)[2])["state"] != "running"


def test_sigterm_under_load(catwalk, configure, supabase, workdir):
    """SIGTERM at random moments of a run with everything going: exit 0 in time, and nothing is lost."""
    stops = 100 if LONG else 10
    moments = random.Random(16)
    took = []
    with ZaraShop(150, page_size=25) as shop:
        shop.fault("slow", "/assets/", seconds=0.2)
        supabase.fault("slow", method="POST", path="/rest/v1/products", seconds=0.2)
        values = configure(shop, supabase, schedule=IDLE, shutdown_timeout="5s", sink={"batch": 10}, embed={"batch": 4})

        def begin():
            process = catwalk.daemon(values["port"], "--allow-untrained")
            daemon = Daemon(process, workdir / "state")
            wait_until(lambda: daemon.ask("GET", "/-/ready")[0] == 200)
            return daemon, wait_until(lambda: run_of(daemon), 30, "no run began")

        for number in range(stops):
            daemon, _ = begin()
            time.sleep(moments.uniform(0.05, 2))
            asked = time.monotonic()
            assert daemon.process.terminate() == 0, daemon.process.err[-3000:]
            took.append(time.monotonic() - asked)
            for product in moments.sample(shop.all_products, 20):  # so that there is always something to do
                product.version += 1
                product.price += 100
            if number == stops // 2:
                assert catwalk("state", "check").code == 0
        shop.clear_faults()
        supabase.clear_faults()
        daemon, run = begin()
        wait_until(lambda: ended(daemon, run), 120)
        wait_until(lambda: json.loads(daemon.ask("GET", "/health")[2])["outbox"]["waiting"] == 0, 60)
        assert daemon.process.terminate() == 0
        check_rows(supabase.rows(), shop.all_products, "catwalk", shop.url)
    assert catwalk("state", "check").code == 0
    assert catwalk("failed", "list", "--json").json == []
    counted(
        "SIGTERM under load",
        stops=stops,
        median_seconds=f"{statistics.median(took):.1f}",
        longest_seconds=f"{max(took):.1f}",
        rows_lost=0,
    )
    assert max(took) < 5 + 2


def seen_of(pid, state):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    wal = state / "catwalk.sqlite3-wal"
    return {
        "rss": int(re.search(r"^VmRSS:\s+(\d+)", status, re.MULTILINE)[1]) * 1024,
        "descriptors": open_descriptors(pid),
        "wal": wal.stat().st_size if wal.exists() else 0,
    }


def slope(values):
    """The median of all pairs' slopes (Theil and Sen): one odd sample moves it little."""
    pairs = [(b - a) / (j - i) for i, a in enumerate(values) for j, b in enumerate(values) if j > i]
    return statistics.median(pairs)


def test_memory_descriptors_and_wal_stay_flat(catwalk, configure, supabase, workdir):
    """Run after run over a catalogue of which half changes each time."""
    runs, products = (200, 500) if LONG else (30, 200)
    with ZaraShop(products, page_size=50) as shop:
        # For each size of a forward pass oneDNN keeps kernels of its own: a batch that waits to fill soon meets all.
        batch = {"batch": 32 if LONG else 4, "batch_wait": "200ms"}
        values = configure(shop, supabase, schedule=IDLE, log={"level": "warn"}, embed=batch)
        process = catwalk.daemon(values["port"], "--allow-untrained")
        daemon = Daemon(process, workdir / "state")
        wait_until(lambda: daemon.ask("GET", "/-/ready")[0] == 200)
        samples = []
        for number in range(runs):
            for product in shop.all_products[number % 2 :: 2]:
                product.price += 100
            # Not always as many pictures, so that batches of every size come.
            for product in shop.all_products[number % 10 :: 10][number % 4 :]:
                product.version += 1
            run = wait_until(lambda: run_of(daemon), 30, "no run began")
            wait_until(lambda run=run: ended(daemon, run), 300)
            wait_until(lambda: json.loads(daemon.ask("GET", "/health")[2])["outbox"]["waiting"] == 0, 60)
            samples.append(seen_of(process.pid, workdir / "state"))
        assert process.terminate() == 0
        assert len(supabase.rows()) == products
    settled = samples[len(samples) // 3 :]
    grows = slope([sample["rss"] for sample in settled])
    counted(
        "a long life",
        products=runs * products,
        runs=runs,
        resident_MB=f"{settled[0]['rss'] / MB:.0f} to {settled[-1]['rss'] / MB:.0f}",
        kB_a_run=f"{grows / 1000:+.0f}",
        descriptors=f"{settled[0]['descriptors']} to {settled[-1]['descriptors']}",
        largest_wal_MB=f"{max(sample['wal'] for sample in samples) / MB:.1f}",
    )
    assert grows < 0.3 * MB, [sample["rss"] // 1000 for sample in samples]
    assert max(sample["descriptors"] for sample in settled) <= settled[0]["descriptors"] + 8
    assert max(sample["wal"] for sample in samples) < 32 * MB


def fast_in_bf16():
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def test_the_small_vps(configure, shop, workdir):
    """The daemon through a whole run, in a control group of the size that is promised where one can be made."""
    bf16 = fast_in_bf16()
    limit = 1200 * MB if bf16 else 4000 * MB
    values = configure(shop, schedule=IDLE, embed={"precision": "bf16" if bf16 else "fp32"})
    group = MemoryGroup.make(limit)
    process = subprocess.Popen(
        [binary_path(), "run", "--allow-untrained"],
        cwd=workdir,
        env=environment(),
        stderr=subprocess.DEVNULL,
        preexec_fn=group.join if group else None,
    )
    try:
        process.port = values["port"]
        daemon = Daemon(process, workdir / "state")

        def ready():
            try:
                return daemon.ask("GET", "/-/ready")[0] == 200
            except OSError:
                return False

        wait_until(ready, 120)
        run = run_of(daemon)
        wait_until(lambda: ended(daemon, run), 300)
        assert json.loads(daemon.ask("GET", "/health")[2])["images"]["embedded"] == 60
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        kept = {name: int(re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)[1]) * 1024 for name in ("VmHWM", "RssAnon", "RssFile")}
        process.terminate()
        assert process.wait(30) == 0
        peak = group.peak if group else kept["VmHWM"]
    finally:
        process.kill()
        process.wait()
        if group:
            group.remove()
    counted(
        f"the small VPS, in {'bf16' if bf16 else 'fp32'}",
        pictures=60,
        resident_MB=f"{kept['VmHWM'] / MB:.0f}",
        anonymous_MB=f"{kept['RssAnon'] / MB:.0f}",
        of_files_MB=f"{kept['RssFile'] / MB:.0f}",
        control_group=f"{peak / MB:.0f} of {limit / MB:.0f} MB" if group else "none can be made here",
    )
    if not group:
        assert kept["VmHWM"] < limit


def test_the_demo_fits_into_4_gb(tmp_path):
    """What README.md tells everybody to try first, on a small machine, with the model that it makes for itself."""
    limit = 4000 * MB
    group = MemoryGroup.make(limit)
    (tmp_path / "tmp").mkdir()
    with open(tmp_path / "said", "wb") as said:
        process = subprocess.Popen(
            [binary_path(), "demo", "--products", "300"],
            cwd=tmp_path,
            env=environment({"TMPDIR": str(tmp_path / "tmp"), "STATE_DIRECTORY": str(tmp_path / "state")}),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            preexec_fn=group.join if group else None,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            peak = group.peak if group else usage.ru_maxrss * 1024
        finally:
            process.kill()
            if group:
                group.remove()
    text = (tmp_path / "said").read_text(errors="replace")
    assert process.returncode == 0, f"exit {process.returncode}:\n{text[-3000:]}"
    assert re.search(r"^images +300 +0 failed", text, re.MULTILINE), text
    counted(
        "the demo",
        products=300,
        resident_MB=f"{usage.ru_maxrss * 1024 / MB:.0f}",
        control_group=f"{peak / MB:.0f} of {limit / MB:.0f} MB" if group else "none can be made here",
    )
    assert peak <= limit
