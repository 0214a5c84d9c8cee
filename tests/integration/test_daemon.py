"""`catwalk run`: schedule, health, metrics, signals, the lock, ports."""

import json
import re
import socket
import time

import pytest

from tests.integration.expectation import check_rows
from tests.support.catwalk_binary import wait_until

SAMPLE = re.compile(
    r"^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^}]*\})? [0-9eE.+\-]+(nan|inf)?( \d+)?$|^.* (\+Inf|-Inf|NaN|Nan)$"
)
IDLE = {"timezone": "UTC", "jobs": [{"name": "never", "cron": "0 0 1 1 *", "catch_up": False}]}
EVERY_MINUTE = {"timezone": "UTC", "jobs": [{"name": "often", "cron": "* * * * *", "jitter": "0s"}]}


def test_health_and_metrics(catwalk, configure, supabase, shop):
    settings = configure(shop, supabase, schedule=IDLE)
    daemon = catwalk.daemon(settings["port"], "--allow-untrained")
    wait_until(lambda: daemon.get("/-/ready")[0] == 200, message="/-/ready did not answer 200")
    status, headers, body = daemon.get("/health")
    assert status == 200, body
    assert headers["Content-Type"].startswith("application/json")
    health = json.loads(body)
    for name in ("status", "version", "uptime", "model", "queue", "outbox", "sites"):
        assert any(name in key for key in health), (name, health)
    assert "untrained" in body

    status, headers, body = daemon.get("/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain")
    for line in body.splitlines():
        assert line.startswith("#") or SAMPLE.match(line), line
    for name in (
        "catwalk_build_info",
        "catwalk_loop_latency_seconds",
        "catwalk_embed_queue_length",
        "catwalk_outbox_rows",
        "catwalk_sink_batch_rows",
        "catwalk_sink_concurrency",
    ):
        assert re.search(rf"^{name}", body, re.MULTILINE), name
    assert daemon.get("/nothing")[0] in (401, 404)


def test_the_schedule_fires_and_sigterm_drains(catwalk, configure, supabase, shop):
    settings = configure(shop, supabase, schedule=EVERY_MINUTE, shutdown_timeout="20s")
    daemon = catwalk.daemon(settings["port"], "--allow-untrained")
    wait_until(lambda: len(supabase.rows()) == 60 or daemon.ended is not None, 120, "the job did not run")
    assert daemon.ended is None, daemon.err
    check_rows(supabase.rows(), shop.all_products, "catwalk", shop.url)
    body = json.loads(daemon.get("/health")[2])
    assert "Zara" in json.dumps(body)
    metrics = daemon.get("/metrics")[2]
    success = re.search(r'catwalk_site_last_success_timestamp_seconds\{site="Zara"\} ([0-9.e+]+)', metrics)
    assert success and abs(float(success[1]) - time.time()) < 300
    assert daemon.terminate() == 0, daemon.err


def test_sigterm_in_the_middle_of_a_run_loses_nothing(catwalk, configure, supabase, shop):
    configure(shop, supabase, shutdown_timeout="15s")
    shop.fault("slow", "/assets/", seconds=0.3)
    running = catwalk.begin("scrape", "Zara", "--allow-untrained")
    wait_until(lambda: len(shop.requests("image")) > 8, message="no picture was asked for")
    asked = time.monotonic()
    assert running.terminate() == 130, running.err
    assert time.monotonic() - asked < 20
    assert len(supabase.rows()) < 60
    shop.clear_faults()
    assert catwalk("scrape", "Zara", "--allow-untrained").code == 0
    check_rows(supabase.rows(), shop.all_products, "catwalk", shop.url)


def test_sigterm_ends_an_idle_daemon_quickly(catwalk, configure, shop):
    settings = configure(shop, schedule=IDLE)
    daemon = catwalk.daemon(settings["port"])
    wait_until(lambda: daemon.get("/-/ready")[0] == 200, message="/-/ready did not answer 200")
    asked = time.monotonic()
    assert daemon.terminate() == 0, daemon.err
    assert time.monotonic() - asked < 5


@pytest.mark.parametrize("second", [("run",), ("scrape", "Zara")])
def test_a_second_process_is_refused_and_told_who_holds_the_state(catwalk, configure, shop, second):
    settings = configure(shop, schedule=IDLE)
    daemon = catwalk.daemon(settings["port"])
    wait_until(lambda: daemon.get("/-/ready")[0] == 200, message="/-/ready did not answer 200")
    configure(shop, schedule=IDLE)  # another port, the same state
    attempts = [catwalk(*second, timeout=20) for _ in range(3)]
    for refused in attempts:
        assert refused.code == 4, refused
        assert str(daemon.pid) in refused.err
    # Beside what starting the executable alone takes, which a busy machine decides.
    start = min(catwalk("version").seconds for _ in range(3))
    assert min(refused.seconds for refused in attempts) - start < 1
    assert daemon.ended is None
    daemon.kill()
    settings = configure(shop, schedule=IDLE)
    assert catwalk.daemon(settings["port"]).terminate() == 0, "the lock of a killed process stayed"


def test_a_port_in_use_is_named(catwalk, configure, shop):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        configure(shop, schedule=IDLE, http={"listen": f"127.0.0.1:{port}"})
        done = catwalk("run", timeout=60)
    assert done.code in (1, 2), done
    assert str(port) in done.err
    assert "use" in done.err


def test_a_parked_sink_makes_the_daemon_unhealthy(catwalk, configure, supabase, shop, workdir):
    settings = configure(shop, supabase, schedule=IDLE)
    (workdir / "key").write_text("sb_secret_wrong")
    assert catwalk("scrape", "Zara", "--limit", "5", "--allow-untrained", "--wait", "5s").code == 3
    daemon = catwalk.daemon(settings["port"], "--allow-untrained")

    def parked():
        status, _, body = daemon.get("/health")
        return body if status == 503 and "Invalid API key" in body else None

    body = wait_until(parked, 60, "/health did not turn 503 with the sink's words")
    assert "sb_secret_wrong" not in body
    assert daemon.terminate() == 0, daemon.err


def test_the_untrained_model_is_refused_for_a_real_sink(catwalk, configure, supabase, shop):
    configure(shop, supabase, schedule=IDLE)
    done = catwalk("run", timeout=60)
    assert done.code in (1, 2), done
    assert "untrained" in done.err
    assert supabase.requests("POST") == []


def test_healthcheck(catwalk, configure, shop):
    settings = configure(shop, schedule=IDLE)
    assert catwalk("healthcheck", timeout=20).code == 1
    daemon = catwalk.daemon(settings["port"])
    wait_until(lambda: catwalk("healthcheck", timeout=20).code == 0, message="healthcheck did not succeed")
    daemon.terminate()


def test_healthcheck_prints_the_reasons_of_a_503(catwalk, configure, workdir):
    settings = configure(sites="[]\n", schedule=IDLE, embed={"models_dir": str(workdir / "none"), "model": "auto"})
    daemon = catwalk.daemon(settings["port"])
    wait_until(lambda: "the daemon waits for it" in daemon.err, message="it did not miss the model")
    status, _, body = daemon.get("/health")
    reasons = json.loads(body)["reasons"]
    assert status == 503 and "catwalk model pull" in reasons[0]
    done = catwalk("healthcheck", timeout=20)
    assert (done.code, done.out.splitlines(), done.err) == (1, reasons, ""), done
    assert daemon.terminate() == 0
