"""Jobs of the real daemon: slots that were missed, runs that a kill broke off, the time limit, runs that overlap.

A job whose last slot is on record, but not those since, runs as soon as the daemon starts: no test waits for a slot but the
one in which a second slot has to come.
"""

import collections
import datetime
import json
import sqlite3
import threading

import pytest
import yaml

from tests.integration.expectation import check_rows
from tests.support.catwalk_binary import wait_until
from tests.support.daemon_door import IDLE, Daemon
from tests.support.html_shop import HtmlShop

MADE_UP = "makes up for a slot that was missed"


class HeldShop(HtmlShop):
    """A sitemap of product pages that are older than any run; from the page `held` on they wait for release()."""

    def __init__(self, products=12, held=5):
        super().__init__(products)
        self.held, self.let_go = held, threading.Event()
        self.asked, self.conditional = collections.Counter(), 0

    def answer(self, address, headers):
        self.asked[address] += 1
        self.conditional += "If-None-Match" in headers
        if address in self.product_addresses()[self.held :]:
            self.let_go.wait(60)
        return super().answer(address, headers)

    def product_addresses(self):
        return [f"/products/thing-{number}" for number in range(self.products)]

    def release(self):
        self.let_go.set()

    def site(self, name="Things"):
        entries = "".join(
            f"<url><loc>{self.url}{address}</loc><lastmod>2020-01-01</lastmod></url>"
            for address in self.product_addresses()
        )
        self.pages["/sitemap.xml"] = (200, {"Content-Type": "text/xml"}, f"<urlset>{entries}</urlset>".encode())
        sitemap = {"url": f"{self.url}/sitemap.xml"}
        return {"name": name, "brand": name, "source": name, "respect_robots": False, "sitemap": sitemap}


@pytest.fixture
def held_shop():
    with HeldShop() as running:
        yield running


def every(**job):
    """A schedule with one job, which is due once a day and not while the test runs."""
    hour = (datetime.datetime.now(datetime.UTC).hour + 12) % 24
    return {"timezone": "UTC", "jobs": [{"name": "nightly", "cron": f"0 {hour} * * *", **job}]}


@pytest.fixture
def runs(workdir):
    """runs(job): its runs on record, the first first."""

    def read(job="nightly"):
        with sqlite3.connect(f"file:{workdir}/state/catwalk.sqlite3?mode=ro", uri=True) as db:
            db.row_factory = sqlite3.Row
            return db.execute("select * from runs where job = ? order by slot", [job]).fetchall()

    return read


@pytest.fixture
def pages_on_record(workdir):
    """pages_on_record(): the addresses of the products' pages that a kill cannot take from the state any more."""

    def read():
        with sqlite3.connect(f"file:{workdir}/state/catwalk.sqlite3?mode=ro", uri=True) as db:
            return [url for (url,) in db.execute("select url from pages where url like '%/products/%'")]

    return read


@pytest.fixture
def missed(catwalk, workdir):
    """missed(ago, *jobs): as if each job had last run so long ago. Needs the configuration."""

    def write(ago, *jobs):
        if not (workdir / "state" / "catwalk.sqlite3").exists():
            assert catwalk("failed", "drop", "--all").code == 0
        last = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0) - ago
        at = int(last.timestamp() * 1000)
        with sqlite3.connect(workdir / "state" / "catwalk.sqlite3") as db:
            for job in jobs:
                db.execute(
                    "insert into runs (job, slot, started, finished, state) values (?, ?, ?, ?, 'done')",
                    [job, at, at, at + 1000],
                )

    return write


@pytest.fixture
def start(catwalk, workdir):
    def begin(values):
        daemon = Daemon(catwalk.daemon(values["port"], "--allow-untrained"), workdir / "state")
        # The first look at the schedule is over once it has told the next slot.
        wait_until(lambda: "next_run" in json.loads(daemon.ask("GET", "/health")[2]), 30, "no look at the schedule")
        return daemon

    return begin


def test_slots_missed_while_it_was_off_are_made_up_for_by_one_run(configure, shop, missed, start, runs):
    values = configure(shop, schedule=every())
    missed(datetime.timedelta(days=5), "nightly")
    daemon = start(values)
    assert daemon.process.err.count(MADE_UP) == 1
    wait_until(lambda: len(runs()) == 2 and runs()[-1]["finished"], 30, "the run did not end")
    before, made_up = runs()
    assert (made_up["state"], json.loads(made_up["counts"])["sites"][0]["products"]) == ("done", 60)
    # The latest of the slots, which is less than a day old.
    slot = datetime.datetime.fromtimestamp(made_up["slot"] / 1000, datetime.UTC)
    assert datetime.datetime.now(datetime.UTC) - slot < datetime.timedelta(days=1)
    assert daemon.process.terminate() == 0

    shop.clear_log()
    daemon = start(values)
    assert MADE_UP not in daemon.process.err
    assert daemon.process.terminate() == 0
    assert [run["id"] for run in runs()] == [before["id"], made_up["id"]]
    assert shop.requests("page") == []


def test_a_job_that_does_not_catch_up_leaves_missed_slots_out(configure, shop, missed, start, runs):
    values = configure(shop, schedule=every(catch_up=False))
    missed(datetime.timedelta(days=5), "nightly")
    daemon = start(values)
    assert "job nightly: a slot is left out: it was missed, and the job does not catch up" in daemon.process.err
    assert MADE_UP not in daemon.process.err
    assert daemon.process.terminate() == 0
    assert len(runs()) == 1
    assert shop.requests() == []


def test_a_run_ends_at_its_time_limit_and_keeps_what_it_has(configure, supabase, shop, missed, start, runs):
    shop.fault("slow", r"[?&]page=2", seconds=30)
    values = configure(shop, supabase, schedule=every(timeout="2s"))
    missed(datetime.timedelta(days=2), "nightly")
    daemon = start(values)
    run = wait_until(lambda: len(runs()) == 2 and runs()[-1]["finished"] and runs()[-1], 30, "the run did not end")
    assert run["state"] == "partly"
    report = json.loads(run["counts"])
    assert report["timed_out"]
    assert 2 <= report["seconds"] < 10
    (site,) = report["sites"]
    assert (site["products"], site["errors"]) == (25, ["ended by the job's time limit"])
    assert "the run has reached its time limit of 2 s" in daemon.process.err
    wait_until(lambda: len(supabase.rows()) == 25, 30, "the rows that were read did not come")
    check_rows(supabase.rows(), shop.all_products[:25], "catwalk", shop.url)
    # What it did not come to is no product that is gone.
    shop.clear_faults()
    bearer = {"Authorization": f"Bearer {daemon.token}"}
    assert daemon.ask("POST", "/api/v1/sites/Zara/run", **bearer)[0] == 202
    wait_until(lambda: len(supabase.rows()) == 60, 60, "the next run did not read the rest")
    assert daemon.process.terminate() == 0


@pytest.mark.parametrize("policy", ["resume", "restart"])
def test_a_run_that_a_kill_broke_off(configure, held_shop, missed, start, runs, pages_on_record, policy):
    """`resume` asks for none of the pages that are on record and unchanged, `restart` for all of them, anew."""
    sites = yaml.safe_dump([held_shop.site()])
    values = configure(sites=sites, schedule=every(on_restart=policy))
    missed(datetime.timedelta(days=2), "nightly")
    daemon = start(values)
    pages = held_shop.product_addresses()
    wait_until(lambda: held_shop.asked[pages[held_shop.held]], 30, "the page that is held was not asked for")
    wait_until(lambda: len(pages_on_record()) == held_shop.held, 30, "what was read is not on record")
    daemon.process.kill()
    run = runs()[-1]
    assert (run["state"], run["finished"]) == ("running", None), "nobody was there to write it down"

    # A daemon in which nothing goes on with it shows what became of it.
    daemon = start(configure(sites=sites, schedule=IDLE))
    run = runs()[-1]
    assert run["state"] == "interrupted" and run["finished"]
    assert daemon.process.terminate() == 0

    held_shop.release()
    held_shop.asked.clear()
    daemon = start(configure(sites=sites, schedule=every(on_restart=policy)))
    words = {"resume": "goes on", "restart": "starts over"}[policy]
    assert f"job nightly: its run was interrupted and {words}" in daemon.process.err
    assert MADE_UP not in daemon.process.err
    wait_until(lambda: runs()[-1]["state"] not in ("interrupted", "running"), 30, "the run did not end")
    ended = runs()[-1]
    assert (ended["id"], ended["slot"], ended["state"]) == (run["id"], run["slot"], "done")
    assert json.loads(ended["counts"])["sites"][0]["products"] == held_shop.products
    assert daemon.process.terminate() == 0
    read, rest = pages[: held_shop.held], pages[held_shop.held :]
    assert {held_shop.asked[address] for address in read} == {0 if policy == "resume" else 1}
    assert {held_shop.asked[address] for address in rest} == {1}
    assert held_shop.conditional == 0, "a page that is on record was asked for by its ETag"
    assert len(runs()) == 2


def test_a_slot_that_comes_during_the_jobs_own_run(configure, held_shop, missed, start, runs):
    """`overlap: skip` leaves it out, `overlap: queue` runs it afterwards."""
    jobs = [
        {"name": name, "cron": "* * * * *", "overlap": name, "sites": [f"Things {name}"]} for name in ("skip", "queue")
    ]
    sites = [held_shop.site(f"Things {name}") for name in ("skip", "queue")]
    values = configure(sites=yaml.safe_dump(sites), schedule={"timezone": "UTC", "jobs": jobs})
    missed(datetime.timedelta(minutes=10), "skip", "queue")
    daemon = start(values)
    wait_until(lambda: len(runs("skip")) == len(runs("queue")) == 2, 30, "the first runs did not begin")
    slot = runs("queue")[-1]["slot"] + 60_000
    assert runs("skip")[-1]["slot"] == slot - 60_000
    left_out = "job skip: a slot is left out: its last run still goes on"
    wait_until(lambda: left_out in daemon.process.err, 70, "the second slot did not come")
    assert [len(runs("skip")), len(runs("queue"))] == [2, 2], "a run began beside the one that goes on"
    assert "job queue: a slot is left out" not in daemon.process.err
    held_shop.release()
    wait_until(lambda: runs("skip")[1]["state"] == "done", 30, "the run that was held did not end")
    wait_until(lambda: slot in [run["slot"] for run in runs("queue")], 30, "the slot that waited was not run")
    assert slot not in [run["slot"] for run in runs("skip")]
    assert daemon.process.terminate() == 0
