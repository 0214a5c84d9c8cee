"""The daemon under a service manager: readiness, status, watchdog, reload, pings."""

import ctypes
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import pytest
import yaml

from tests.integration.expectation import check_rows
from tests.support.catwalk_binary import ROOT, free_port, wait_until
from tests.support.daemon_door import IDLE, Daemon
from tests.support.loopback_http import LoopbackHttp
from tests.support.notify_socket import NotifySocket
from tests.support.older_state import new_state, steps

EVERY_MINUTE = {"timezone": "UTC", "jobs": [{"name": "often", "cron": "* * * * *"}]}


@pytest.fixture
def manager(tmp_path_factory):
    manager = NotifySocket(tmp_path_factory.mktemp("n"))
    yield manager
    manager.close()


@pytest.fixture
def start(catwalk, configure, manager, workdir):
    def begin(shop=None, supabase=None, watchdog=None, sites=None, arguments=(), **settings):
        settings.setdefault("schedule", IDLE)
        values = configure(shop, supabase, sites=sites if shop is None else None, **settings)
        env = {"NOTIFY_SOCKET": manager.path}
        if watchdog:
            env["WATCHDOG_USEC"] = str(int(watchdog * 1e6))
        daemon = Daemon(catwalk.daemon(values["port"], *arguments, env=env), workdir / "state")
        wait_until(lambda: manager.times("READY") or daemon.process.ended is not None, message="no READY=1")
        assert daemon.process.ended is None, daemon.process.err
        return daemon

    return begin


def test_the_manager_hears_of_start_work_and_stop(start, manager, shop):
    daemon = start(shop)
    ready = manager.times("READY", "1")
    assert len(ready) == 1
    extended = manager.times("EXTEND_TIMEOUT_USEC")
    assert extended and extended[0] < ready[0], "no more time was asked for while the model loaded"
    assert daemon.ask("GET", "/-/ready")[0] == 200
    wait_until(lambda: any(re.match(r"idle, next run in \d+ d", text) for text in manager.values("STATUS")))
    assert manager.times("WATCHDOG") == [at for at in manager.times("WATCHDOG") if at < ready[0]]
    assert daemon.process.terminate() == 0
    assert len(manager.times("STOPPING", "1")) == 1
    assert manager.values("STATUS")[-1] == "stopping"


def fill_slowly_to_migrate(db, pages=400, entries=20_000):
    """One product that pages list over and over: the second step looks each entry up."""
    db.execute(
        "insert into products (id, site, endpoint_index, fields, field_hash, image_url, first_seen, last_seen, last_run, "
        "row_run, vector_state) values ('7', 's', 0, '{}', '', '', 0, 0, 1, 1, 'none')"
    )
    listed = json.dumps(["7"] * entries, separators=(",", ":"))
    db.executemany(
        "insert into pages (site, endpoint, url, endpoint_index, etag, last_modified, body_hash, stanza_hash, listed, run, "
        "fetched) values ('s', 'e', ?, 0, '', '', '', '', ?, 1, 0)",
        [(str(number), listed) for number in range(pages)],
    )
    db.commit()


def test_the_manager_is_kept_waiting_while_the_state_is_migrated(catwalk, configure, manager, workdir):
    """It would end a start without a word after TimeoutStartSec, and a silent service after WatchdogSec."""
    (workdir / "state").mkdir()
    file = workdir / "state" / "catwalk.sqlite3"
    db = new_state(file, 1)
    fill_slowly_to_migrate(db)
    db.close()

    def version():
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as reader:
            return reader.execute("pragma user_version").fetchone()[0]

    configure(sites="[]\n", schedule=IDLE)
    daemon = catwalk.begin("run", env={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "1000000"})
    wait_until(lambda: len(manager.times("EXTEND_TIMEOUT_USEC")) >= 3 or daemon.ended is not None, 60)
    assert version() == 1, f"the migration is over, and nothing was asked for while it went on: {daemon.err}"
    assert file.with_name(f"{file.name}.before-v2").exists(), "it has not begun"
    asked, kicked = manager.times("EXTEND_TIMEOUT_USEC", "30000000"), manager.times("WATCHDOG", "1")
    assert len(asked) >= 3 and len(kicked) >= 3
    assert manager.times("READY") == []
    wait_until(lambda: manager.times("READY", "1"), 120, "it did not become ready")
    assert version() == len(steps())
    asked = manager.times("EXTEND_TIMEOUT_USEC") + manager.times("READY", "1")
    assert max(b - a for a, b in zip(asked, asked[1:], strict=False)) < 30
    assert daemon.terminate() == 0


def test_a_daemon_without_a_model_waits_for_one(catwalk, start, manager, workdir):
    """As after the package's installation: it answers, says what is missing, and goes on when it is there."""
    daemon = start(sites="[]\n", watchdog=3, embed={"models_dir": str(workdir / "none"), "model": "auto"})
    assert daemon.ask("GET", "/-/ready")[0] == 503
    status, _, body = daemon.ask("GET", "/health")
    (reason,) = json.loads(body)["reasons"]
    assert status == 503 and "catwalk model pull" in reason
    assert manager.values("STATUS")[-1] == "waits for a model: `catwalk model pull`"
    rewrite(workdir, lambda values: values["fetch"]["pages"].update(delay="3s"))
    daemon.process.process.send_signal(signal.SIGHUP)
    wait_until(lambda: daemon.process.err.count("the daemon waits for it") == 2, 20, "it did not load the configuration")
    assert catwalk("model", "import", "--untrained", "--seed", "1").code == 0
    wait_until(lambda: daemon.ask("GET", "/health")[0] == 200, 30, "it did not see the model")
    wait_until(lambda: manager.values("STATUS")[-1].startswith("idle"), 10)
    kicks = manager.times("WATCHDOG", "1")
    assert max(b - a for a, b in zip(kicks, kicks[1:], strict=False)) < 2.5
    assert daemon.process.terminate() == 0


def test_a_daemon_that_waits_for_a_model_stops_at_once(start, workdir):
    daemon = start(sites="[]\n", embed={"models_dir": str(workdir / "none"), "model": "auto"})
    asked = time.monotonic()
    assert daemon.process.terminate() == 0
    assert time.monotonic() - asked < 5


def test_the_status_says_how_far_a_run_is(start, manager, shop):
    shop.fault("slow", "/assets/", seconds=1.5)
    start(shop, schedule=EVERY_MINUTE)
    told = re.compile(r"embedding [\d,]+ of 60(, \d+/s)?")
    wait_until(lambda: any(told.match(text) for text in manager.values("STATUS")), 100, "no progress was told")
    wait_until(lambda: any(text.startswith("idle") for text in manager.values("STATUS")[2:]), 60)


def test_the_watchdog_is_kicked_in_time(start, manager):
    start(watchdog=3, sites="[]\n")
    time.sleep(6)
    kicks = manager.times("WATCHDOG", "1")
    pauses = [b - a for a, b in zip(kicks, kicks[1:], strict=False)]
    assert len(kicks) >= 4
    assert max(pauses) < 2.5, pauses


class Stopped:
    """Single threads of a process, held by ptrace as a hang would hold them."""

    SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17

    def __init__(self, pid, *names):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self.threads = [
            int(task.name)
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            if (task / "comm").read_text().strip() in names
        ]

    def hold(self):
        for thread in self.threads:
            if self.libc.ptrace(self.SEIZE, thread, None, None) != 0:
                pytest.skip(f"this machine permits no ptrace: {os.strerror(ctypes.get_errno())}")
            assert self.libc.ptrace(self.INTERRUPT, thread, None, None) == 0
            os.waitpid(thread, 0x40000000)  # __WALL

    def release(self):
        for thread in self.threads:
            self.libc.ptrace(self.DETACH, thread, None, None)


def test_workers_that_hang_stop_the_kicks(start, manager):
    """The loop goes on and answers; the pool does not: the service manager has to hear of it."""
    daemon = start(watchdog=3, sites="[]\n")
    stopped = Stopped(daemon.process.pid, "embed-forward", "embed-answer")
    assert stopped.threads
    stopped.hold()
    try:
        picture = json.dumps({"image": PIXEL, "type": "base64"})
        asking = threading.Thread(
            target=lambda: daemon.ask("POST", "/embed", picture, Authorization=f"Bearer {daemon.token}")
        )
        asking.start()
        begun = len(manager.messages)
        time.sleep(7)
        late = [at for at, fields in manager.messages[begun:] if "WATCHDOG" in fields]
        last = manager.messages[-1][0] if manager.messages else 0
        assert daemon.ask("GET", "/-/healthy")[0] == 200, "the loop itself goes on"
        assert not [at for at in late if at > late[0] + 4.5], (late, last)
        assert "the workers hang" in daemon.process.err
    finally:
        stopped.release()
    asking.join()
    kicks = len(manager.times("WATCHDOG"))
    wait_until(lambda: len(manager.times("WATCHDOG")) > kicks, 10, "no kick although the workers go on")


def test_a_query_under_way_has_its_answer_before_the_daemon_ends(start, manager):
    daemon = start(sites="[]\n", shutdown_timeout="20s")
    stopped = Stopped(daemon.process.pid, "embed-answer")
    assert len(stopped.threads) == 1
    bearer = {"Authorization": f"Bearer {daemon.token}"}
    answers = []
    picture = json.dumps({"image": PIXEL, "type": "base64"})
    asking = threading.Thread(target=lambda: answers.append(daemon.ask("POST", "/embed", picture, **bearer)))
    stopped.hold()
    try:
        asking.start()
        time.sleep(1)  # until its picture is with the worker that is held
        daemon.process.process.send_signal(signal.SIGTERM)
        wait_until(lambda: manager.times("STOPPING", "1"), 10)
        time.sleep(1)
        assert daemon.process.ended is None
    finally:
        stopped.release()
    asking.join(20)
    (answer,) = answers
    assert answer[0] == 200 and answer[1]["Connection"] == "close"
    assert daemon.process.wait() == 0


def test_the_kicks_go_on_while_what_is_under_way_ends(start, manager, shop, workdir):
    """A reload waits for pictures that are on their way, for longer than the service manager's patience."""
    shop.fault("slow", "/assets/", seconds=60)
    daemon = start(shop, watchdog=3, shutdown_timeout="7s", arguments=("--allow-untrained",))
    assert daemon.ask("POST", "/api/v1/sites/Zara/run", Authorization=f"Bearer {daemon.token}")[0] == 202
    wait_until(lambda: shop.requests("image"), 20, "the run did not come to its pictures")
    rewrite(workdir, lambda values: values["fetch"]["images"].update(timeout="19s"))
    asked = time.monotonic()
    daemon.process.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(manager.times("READY", "1")) == 2, 40, "no READY=1 after the reload")
    assert time.monotonic() - asked > 6, "nothing was waited for"
    kicks = manager.times("WATCHDOG", "1")
    assert max(b - a for a, b in zip(kicks, kicks[1:], strict=False)) < 2.5


PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)


def rewrite(workdir, change):
    file = workdir / "catwalk.yaml"
    values = yaml.safe_load(file.read_text())
    change(values)
    file.write_text(yaml.safe_dump(values, sort_keys=False))


def reload_metric(daemon):
    text = daemon.ask("GET", "/metrics")[2]
    return float(re.search(r"^catwalk_config_last_reload_successful (\S+)", text, re.MULTILINE)[1])


def test_sighup_loads_the_configuration_and_logs_what_changes(start, manager, workdir):
    daemon = start(sites="[]\n")
    port = free_port()

    def change(values):
        values["fetch"]["pages"]["delay"] = "7s"
        values["http"]["listen"] = f"127.0.0.1:{port}"
        values["http"]["token"] = "canary-8c2d11"

    rewrite(workdir, change)
    daemon.process.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(manager.times("READY", "1")) == 2, message="no READY=1 after the reload")
    assert len(manager.times("RELOADING", "1")) == 1
    assert int(manager.values("MONOTONIC_USEC")[0]) > 0
    daemon.port = port
    assert daemon.ask("GET", "/-/ready")[0] == 200
    assert daemon.ask("POST", "/api/v1/login", '{"token": "canary-8c2d11"}')[0] == 204
    assert reload_metric(daemon) == 1
    log = daemon.process.err
    assert "fetch.pages.delay: 0s -> 7s" in log
    assert "http.token: changed" in log
    assert "canary" not in log
    assert daemon.process.terminate() == 0


def test_an_invalid_file_leaves_the_old_configuration(start, manager, workdir):
    daemon = start(sites="[]\n")
    good = (workdir / "catwalk.yaml").read_text()
    (workdir / "catwalk.yaml").write_text(good + "fetsh: {}\n")
    daemon.process.process.send_signal(signal.SIGHUP)
    wait_until(lambda: reload_metric(daemon) == 0, 10, "the metric did not say that the reload failed")
    assert "did you mean 'fetch'" in daemon.process.err
    assert daemon.ask("GET", "/-/ready")[0] == 200
    assert manager.times("RELOADING") == []
    (workdir / "catwalk.yaml").write_text(good)
    daemon.process.process.send_signal(signal.SIGHUP)
    wait_until(lambda: reload_metric(daemon) == 1, 10)
    assert "nothing has changed" in daemon.process.err
    assert len(manager.times("READY")) == 1


def test_a_configuration_that_cannot_start_is_taken_back(start, manager, workdir):
    daemon = start(sites="[]\n")
    rewrite(workdir, lambda values: values["embed"].update(model="no-such-model"))
    daemon.process.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(manager.times("READY", "1")) == 2, message="the old one did not come back")
    assert daemon.ask("GET", "/-/ready")[0] == 200
    assert reload_metric(daemon) == 0
    assert "no-such-model" in daemon.process.err and "the one before stays" in daemon.process.err
    assert daemon.process.terminate() == 0


def test_a_log_level_changes_without_a_restart(start, manager, workdir):
    daemon = start(sites="[]\n")
    rewrite(workdir, lambda values: values["log"].update(level="error"))
    daemon.process.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "log.level: debug -> error" in daemon.process.err, 10)
    assert manager.times("RELOADING") == []


def test_reload_over_http_where_it_is_enabled(start, workdir):
    daemon = start(sites="[]\n")
    assert daemon.ask("POST", "/-/reload", Authorization=f"Bearer {daemon.token}")[0] == 404
    rewrite(workdir, lambda values: values["http"].update(reload=True))
    daemon.process.process.send_signal(signal.SIGHUP)
    bearer = {"Authorization": f"Bearer {daemon.token}"}

    def enabled():
        try:
            return daemon.ask("POST", "/-/reload", **bearer)[0] == 200
        except OSError:
            return False

    wait_until(enabled, 30, "the route did not come")
    assert daemon.ask("POST", "/-/reload")[0] == 401
    rewrite(workdir, lambda values: values["log"].update(level="info"))
    status, _, body = daemon.ask("POST", "/-/reload", **bearer)
    assert (status, json.loads(body)["changes"]) == (200, ["log.level: debug -> info"])
    (workdir / "catwalk.yaml").write_text("nonsense: [")
    status, _, body = daemon.ask("POST", "/-/reload", **bearer)
    assert status == 400
    assert "catwalk.yaml:1" in body


def test_a_run_goes_on_over_a_reload(start, manager, shop, supabase, workdir):
    shop.fault("slow", "/assets/", seconds=0.3)
    daemon = start(shop, supabase, schedule=EVERY_MINUTE, arguments=("--allow-untrained",), shutdown_timeout="2s")
    wait_until(lambda: len(shop.requests("image")) > 10, 90, "the run did not come")
    rewrite(workdir, lambda values: values["fetch"]["images"].update(timeout="19s"))
    daemon.process.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(manager.times("READY", "1")) == 2, message="no READY=1 after the reload")
    shop.clear_faults()
    wait_until(lambda: len(supabase.rows()) == 60, 60, "the run did not go on")
    check_rows(supabase.rows(), shop.all_products, "catwalk", shop.url)
    assert "its run was interrupted and goes on" in daemon.process.err


@pytest.fixture
def pings():
    """Takes pings as healthchecks.io does."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            seen.append((self.path, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with LoopbackHttp(Handler) as server:
        yield f"{server.origin}/id", seen


def test_a_jobs_runs_are_pinged(start, shop, pings):
    url, seen = pings
    jobs = [{"name": "often", "cron": "* * * * *", "ping_url": url}]
    start(shop, schedule={"timezone": "UTC", "jobs": jobs})
    wait_until(lambda: len(seen) >= 2, 120, "no ping came")
    assert seen[0] == ("/id/start", "started")
    assert seen[1][0] == "/id"
    assert seen[1][1].startswith("60 products, 60 images embedded, 0 failed")


def promtool(*arguments, text=None):
    tool = shutil.which("promtool")
    if not tool:
        pytest.skip("promtool (Debian's prometheus) is not installed")
    done = subprocess.run([tool, *arguments], input=text, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_prometheus_accepts_metrics_and_rules(start, shop):
    daemon = start(shop, schedule=EVERY_MINUTE)
    wait_until(lambda: "catwalk_site_last_success" in daemon.ask("GET", "/metrics")[2], 120)
    metrics = daemon.ask("GET", "/metrics")[2]
    code, said = promtool("check", "metrics", text=metrics)
    assert (code, said.strip()) == (0, ""), said
    rules = ROOT / "docs" / "monitoring" / "catwalk-alerts.yaml"
    code, said = promtool("check", "rules", str(rules))
    assert code == 0, said
    names = set(re.findall(r"catwalk_[a-z_]+", (ROOT / "core" / "metrics.cpp").read_text()))
    assert set(re.findall(r"^# TYPE (\S+)", metrics, re.MULTILINE)) <= names
    dashboard = json.loads((ROOT / "docs" / "monitoring" / "grafana-dashboard.json").read_text())
    asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", []))
    asked += " ".join(
        rule["expr"] for group in yaml.safe_load(rules.read_text())["groups"] for rule in group["rules"]
    )
    for name in set(re.findall(r"catwalk_[a-z_]+", asked)):
        assert re.sub(r"_(bucket|sum|count)$", "", name) in names or name in names, f"{name} is no metric"
