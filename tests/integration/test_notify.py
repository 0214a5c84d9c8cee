"""Signed webhooks for what happens to products and jobs, with the real executable, against a receiver that fails."""

import json
import time

import pytest

from tests.support.catwalk_binary import wait_until
from tests.support.daemon_door import IDLE, Daemon
from tests.support.webhook_receiver import WebhookReceiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def receiver():
    with WebhookReceiver(SECRET) as running:
        yield running


@pytest.fixture
def start(catwalk, configure, workdir, shop, receiver):
    def begin(**settings):
        settings.setdefault("schedule", IDLE)
        notify = {"url": receiver.url, "secret": {"file": str(workdir / "notify")}}
        (workdir / "notify").write_text(SECRET)
        values = configure(shop, notify={**notify, **settings.pop("notify", {})}, **settings)
        process = catwalk.daemon(values["port"], "--allow-untrained")
        wait_until(lambda: process.get("/-/ready")[0] == 200)
        return Daemon(process, workdir / "state")

    return begin


def ask(daemon, method, path, body=None, expect=200):
    status, _, text = daemon.ask(
        method, path, json.dumps(body) if body else None, Authorization=f"Bearer {daemon.token}"
    )
    assert status == expect, f"{status} {text}"
    return json.loads(text)


def read(daemon, **order):
    """One run to its end."""
    run = ask(daemon, "POST", "/api/v1/sites/zara/run", order, expect=202)["run"]
    wait_until(lambda: ask(daemon, "GET", f"/api/v1/runs/{run}")["finished"])


def metric(daemon, name):
    lines = daemon.process.get("/metrics")[2].splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def all_told(daemon):
    health = json.loads(daemon.process.get("/health")[2])
    return health["notify"]["waiting"] == 0 and health["notify"]


def test_what_happens_is_told_once_and_signed(start, shop, receiver):
    for product in shop.all_products:
        product.availability = "in_stock"
    daemon = start(sync={"min_rows": 100})
    read(daemon)
    wait_until(lambda: len(receiver.events("new")) == 60)
    first, second, third = shop.products["2443335"][:3]
    before = first.price
    first.price -= 100
    second.price += 1000  # no drop
    third.availability = "out_of_stock"
    read(daemon, sync=True)
    wait_until(lambda: receiver.events("price_drop"))
    third.availability = "in_stock"
    gone = shop.products["2443335"].pop()
    read(daemon, sync=True)
    wait_until(lambda: receiver.events("back_in_stock") and receiver.events("gone"))
    shop.products["2443335"].append(gone)
    read(daemon, sync=True)
    wait_until(lambda: len(receiver.events("back_in_stock")) == 2)

    assert receiver.problems == []
    assert len(receiver.taken) == len(receiver.events()) == 60 + 1 + 2 + 1
    (drop,) = receiver.events("price_drop").values()
    assert float(drop["data"]["before"]["price_amount"]) == before / 100
    assert float(drop["data"]["price_amount"]) == pytest.approx(before / 100 - 1)
    assert drop["timestamp"].endswith("Z") and drop["data"]["product_url"] and drop["data"]["site"] == "Zara"
    (left,) = receiver.events("gone").values()
    known = {body["data"]["id"] for body in receiver.events("new").values()}
    assert left["data"]["id"] in known
    wait_until(lambda: metric(daemon, 'catwalk_notify_events_total{outcome="told"}') == len(receiver.taken))
    assert SECRET not in daemon.process.err and SECRET[6:] not in daemon.process.get("/health")[2]
    assert daemon.process.terminate() == 0


def test_every_failure_is_tried_again(start, receiver):
    soon = {"Retry-After": "1"}
    receiver.faults.extend(["reset", "taken-reset", *((status, soon) for status in (500, 503, 429, 404, 401, 302))])
    daemon = start()
    read(daemon, limit=10)
    wait_until(lambda: len(receiver.events("new")) == 10, timeout=120)
    assert receiver.problems == []
    # What was taken and its answer lost came again under the same id.
    assert len(receiver.taken) == 11 and len(receiver.events()) == 10
    assert len({event for event, _ in receiver.tries[:9]}) == 1, "another event overtook the first"
    assert metric(daemon, 'catwalk_notify_events_total{outcome="retried"}') == 8
    wait_until(lambda: all_told(daemon))


def test_an_event_that_is_not_understood_does_not_hold_up_the_others(start, receiver):
    receiver.faults.extend([400] * 5)
    daemon = start()
    read(daemon, limit=5)
    wait_until(lambda: len(receiver.events("new")) == 4, timeout=120)
    told = wait_until(lambda: all_told(daemon))
    assert told["set_aside"] == 1
    assert "is set aside" in daemon.process.err


def test_kill_and_stall_lose_nothing(start, catwalk, receiver):
    receiver.faults.extend(["stall"] * 2)
    daemon = start()
    read(daemon, limit=40)
    wait_until(lambda: receiver.tries)
    daemon.process.kill()
    kills = 1
    for _ in range(6):
        daemon = start()
        already = len(receiver.events("new"))
        receiver.faults.extend([204, 204, "taken-reset"])
        wait_until(lambda: len(receiver.events("new")) > already or already == 40, timeout=60)
        daemon.process.kill()
        kills += 1
    daemon = start()
    wait_until(lambda: len(receiver.events("new")) == 40, timeout=60)
    wait_until(lambda: all_told(daemon))
    assert receiver.problems == []
    again = len(receiver.taken) - len(receiver.events())
    print(f"{kills} kills, 40 events, {again} told more than once under the same id")
    assert daemon.process.terminate() == 0


def test_a_receiver_that_is_away_is_seen_and_caught_up_with(start, receiver):
    daemon = start()
    receiver.faults.extend([503] * 3)
    read(daemon, limit=3)
    health = wait_until(lambda: (h := json.loads(daemon.process.get("/health")[2])["notify"]).get("last_error") and h)
    assert "503" in health["last_error"]
    assert "events wait in the state" in daemon.process.err
    wait_until(lambda: len(receiver.events("new")) == 3, timeout=60)
    assert "events are taken again" in daemon.process.err


def test_a_receiver_that_wants_no_more_gets_no_more(start, receiver):
    receiver.faults.append(410)
    daemon = start()
    read(daemon, limit=5)
    wait_until(lambda: json.loads(daemon.process.get("/health")[2])["notify"]["stopped"])
    time.sleep(2)
    assert len(receiver.tries) == 1
    assert daemon.process.terminate() == 0
    daemon = start()
    wait_until(lambda: len(receiver.events("new")) == 5)


def test_a_job_that_fails_is_told(start, shop, receiver):
    shop.fault("status", ".*", status=500)
    daemon = start(
        schedule={"timezone": "UTC", "jobs": [{"name": "often", "cron": "* * * * *", "sites": ["Zara"]}]},
        notify={"events": ["job_failed"]},
    )
    (told,) = wait_until(lambda: receiver.events("job_failed"), timeout=150).values()
    assert told["data"]["job"] == "often" and told["data"]["state"] in ("partly", "failed")
    assert told["data"]["errors"]
    assert receiver.problems == []
    assert daemon.process.ended is None


def test_what_nobody_listened_to_is_not_told_later(start, catwalk, configure, shop, receiver):
    configure(shop)
    assert catwalk("scrape", "--limit", "5", "--allow-untrained").code == 0
    daemon = start()
    time.sleep(3)
    assert receiver.tries == []
    read(daemon, limit=10)
    wait_until(lambda: len(receiver.events("new")) == 5)


def test_a_scrape_tells_too(start, catwalk, configure, shop, receiver, workdir):
    (workdir / "notify").write_text("a plain secret")
    receiver.key = b"a plain secret"
    configure(shop, notify={"url": receiver.url, "secret": {"file": str(workdir / "notify")}})
    done = catwalk("scrape", "--limit", "7", "--allow-untrained")
    assert done.code == 0, done
    assert len(receiver.events("new")) == 7 and receiver.problems == []


def test_an_address_without_a_secret_is_refused(catwalk, configure, shop):
    configure(shop, notify={"url": "http://127.0.0.1:1/hook"})
    refused = catwalk("check")
    assert refused.code == 2 and "notify.url needs notify.secret" in refused.out + refused.err


def test_a_damaged_secret_is_refused(catwalk, configure, shop, workdir):
    configure(shop, notify={"url": "http://127.0.0.1:1/hook", "secret": "whsec_%%%"})
    refused = catwalk("scrape", "--allow-untrained")
    assert refused.code != 0 and "whsec_" in refused.err and "%%%" not in refused.err
