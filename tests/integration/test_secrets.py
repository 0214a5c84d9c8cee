"""A canary for each secret, given in every way there is: none may turn up in a log, an answer, the state, a process
list, or a core file, whatever goes wrong."""

import json
import os
import pathlib
import resource
import signal
import subprocess
import threading

import pytest
import yaml

from tests.integration.site_files import site_text
from tests.support.catwalk_binary import binary_path, environment, wait_until
from tests.support.daemon_door import Daemon
from tests.support.tls_proxy import TlsProxy

EVERY_MINUTE = {"timezone": "UTC", "jobs": [{"name": "often", "cron": "* * * * *", "sync": True}]}
READABLE = [
    "/health",
    "/metrics",
    "/-/healthy",
    "/api/v1/status",
    "/api/v1/sites",
    "/api/v1/sites/Zara",
    "/api/v1/runs",
    "/api/v1/runs/1",
    "/api/v1/products",
    "/api/v1/facets",
    "/api/v1/failures",
    "/api/v1/failures/1",
    "/api/v1/openapi.json",
    "/v1/models",
    "/",
]


class Canaries:
    """Values that are secret, and everything that others can see."""

    def __init__(self):
        self.values = {}
        self.seen = []

    def make(self, name):
        return self.values.setdefault(name, f"canary-{name}-7f3a9c1e")

    def look(self, where, text):
        self.seen.append((where, text if isinstance(text, bytes) else text.encode()))

    def look_at(self, result):
        self.look("stdout", result.out)
        self.look("stderr", result.err)
        return result

    def found(self):
        return [
            (name, where, text[max(0, text.find(value) - 120) : text.find(value) + 60])
            for where, text in self.seen
            for name, value in ((name, value.encode()) for name, value in self.values.items())
            if value in text
        ]


@pytest.fixture
def canaries():
    return Canaries()


@pytest.fixture
def secrets(canaries, configure, supabase, shop, workdir):
    """A configuration in which everything that can be secret is; what starts processes with its environment."""
    folder = workdir / "credentials"
    folder.mkdir()
    canaries.values["sink.key"] = supabase.key
    for name, value in (
        ("supabase_key", supabase.key),
        ("http_token", canaries.make("http.token")),
        ("notify_secret", canaries.make("notify.secret")),
    ):
        (folder / name).write_text(value + "\n")
    (workdir / "remote.token").write_text(canaries.make("embed.remote.token"))
    (site,) = yaml.safe_load(site_text(shop))
    site["api"].setdefault("headers", {})["Authorization"] = f"Bearer {canaries.make('site-header')}"
    sites = yaml.safe_dump([site])
    def settings():
        values = configure(
            shop,
            supabase,
            sites=sites,
            schedule=EVERY_MINUTE,
            http={"token": {"credential": "http_token"}, "reload": True},
            sink={"headers": {"X-Gateway-Key": canaries.make("sink-header")}, "batch": 10},
            embed={
                "fallback": "remote",
                "remote": {
                    "url": f"http://someone:{canaries.make('remote-password')}@127.0.0.1:1/?key={canaries.make('remote-query')}",
                    "token": {"file": str(workdir / "remote.token")},
                },
            },
            notify={"secret": {"credential": "notify_secret"}},
            log={"level": "trace"},
        )
        file = workdir / "catwalk.yaml"
        written = yaml.safe_load(file.read_text())
        written["sink"]["key"] = {"credential": "supabase_key"}
        file.write_text(yaml.safe_dump(written))
        return values

    with TlsProxy(shop.port, workdir) as proxy:
        yield {
            "env": {
                "CREDENTIALS_DIRECTORY": str(folder),
                "http_proxy": proxy.url.replace("//", f"//someone:{canaries.make('proxy-password')}@"),
                "no_proxy": supabase.url.split("//")[1],
                "HF_TOKEN": canaries.make("hub-token"),
            },
            "values": settings(),
        }


def echo_secrets(supabase, canaries, poison):
    """A sink that repeats what it was sent, in each of its refusals; one row it never takes."""
    words = " ".join(canaries.values.values())
    supabase.fault("respond", method="GET", status=401, times=1, body=json.dumps({"message": words}))
    supabase.fault("respond", method="POST", path="/rest/v1/products", status=503, times=2, body=words)
    supabase.sql(
        f"""create or replace function refuse() returns trigger language plpgsql as $$ begin
              if new.title = '{poison.name}' then
                raise exception using errcode = '23514', message = '{words}', detail = '{words}';
              end if;
              return new;
            end $$"""
    )
    supabase.sql("create trigger refuse before insert or update on products for each row execute function refuse()")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_is_seen(catwalk, canaries, secrets, supabase, shop, workdir, log_format):
    env = {**secrets["env"], "CATWALK_LOG_FORMAT": log_format}
    shop.fault("status", "/assets/", status=500, times=3)
    echo_secrets(supabase, canaries, shop.all_products[7])
    canaries.look_at(catwalk("check", "--online", env=env))
    scraped = canaries.look_at(catwalk("scrape", "--allow-untrained", "--wait", "20s", "--explain", env=env))
    assert scraped.code == 3, scraped
    assert all(rule["applied"] for rule in supabase.control("faults")), (supabase.control("faults"), scraped)

    process = catwalk.daemon(secrets["values"]["port"], "--allow-untrained", env=env)
    daemon = Daemon(process, workdir / "state")
    bearer = {"Authorization": f"Bearer {canaries.values['http.token']}"}
    for folder in pathlib.Path("/proc").glob(f"{process.pid}/task/*/cmdline"):
        canaries.look("process list", folder.read_bytes())
    # Beside the daemon, through its socket.
    for command in (["status"], ["jobs", "list"], ["failed", "list"], ["failed", "show", "1"], ["sink", "status"], ["healthcheck"]):
        running = subprocess.Popen(
            [binary_path(), *command],
            cwd=workdir,
            env=environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        canaries.look("process list", pathlib.Path(f"/proc/{running.pid}/cmdline").read_bytes())
        canaries.look(" ".join(command), running.communicate(timeout=60)[0])
    wait_until(lambda: "ended:" in process.err, 120, "the job did not run")
    for path in READABLE:
        status, headers, body = daemon.ask("GET", path, **bearer)
        assert status in (200, 503), (path, status)
        canaries.look(path, body + str(headers))
        canaries.look(path, daemon.ask("GET", path)[2])
        canaries.look(path, daemon.ask("GET", path, Authorization="Bearer wrong")[2])
    cookie = daemon.ask("POST", "/api/v1/login", json.dumps({"token": canaries.values["http.token"]}))[1]["Set-Cookie"]
    canaries.look("the session's cookie", cookie)

    # Configurations that hold the secret where it does not belong, and one that changes it.
    file = workdir / "catwalk.yaml"
    good = yaml.safe_load(file.read_text())
    stray = canaries.make("misplaced")
    for broken in ({"key": [stray]}, {"key": {stray: None}}, {"key": {"credentail": stray}}, {"key": {"credential": {"x": stray}}}):
        file.write_text(yaml.safe_dump({**good, "sink": {**good["sink"], **broken}}))
        status, _, body = daemon.ask("POST", "/-/reload", **bearer)
        assert status == 400, broken
        canaries.look("reload", body)
        canaries.look_at(catwalk("check", env=env))
    changed = {**good, "notify": {"secret": canaries.make("new-secret")}}
    changed["sink"] = {**good["sink"], "headers": {"X-Gateway-Key": canaries.make("new-header")}}

    def login_address(name):
        return f"http://someone:{canaries.make(name + '-password')}@127.0.0.1:1/?key={canaries.make(name + '-query')}"

    changed["notify"]["url"] = login_address("new-notify")
    changed["embed"] = {
        **good["embed"],
        "remote": {**good["embed"]["remote"], "url": login_address("new-remote")},
        "hub": {"url": login_address("new-hub")},
    }
    jobs = [{**job, "ping_url": login_address("new-ping")} for job in good["schedule"]["jobs"]]
    changed["schedule"] = {**good["schedule"], "jobs": jobs}
    file.write_text(yaml.safe_dump(changed))
    status, _, body = daemon.ask("POST", "/-/reload", **bearer)
    assert status == 200
    canaries.look("reload", body)
    wait_until(lambda: process.err.count("ready: 1 site") == 2, 60)
    assert process.terminate() == 0
    canaries.look("the daemon's log", process.err + process.out)

    for folder, _, names in os.walk(workdir / "state"):
        for name in names:
            canaries.look(f"{folder}/{name}", (pathlib.Path(folder) / name).read_bytes())
    looked = len(canaries.seen), sum(len(text) for _, text in canaries.seen)
    print(f"{len(canaries.values)} canaries, looked for in {looked[0]} places, {looked[1] / 1e6:.1f} MB")
    assert canaries.found() == []


def test_a_crash_leaves_no_core(catwalk, secrets, workdir):
    """Whatever the limit: the process is not dumpable, and its memory not for others of its user."""
    process = subprocess.Popen(
        [binary_path(), "run", "--allow-untrained"],
        cwd=workdir,
        env=environment(secrets["env"]),
        stderr=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)),
    )
    said = threading.Event()

    def read():
        for line in process.stderr:
            if b"ready: " in line:
                said.set()

    threading.Thread(target=read, daemon=True).start()
    assert said.wait(60)
    os.kill(process.pid, signal.SIGSEGV)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = 0
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSEGV
    assert not os.WCOREDUMP(status)
    assert list(workdir.glob("**/core*")) == []
