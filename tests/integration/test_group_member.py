"""What a member of the service's group may do beside the daemon, and what a stranger may not. Needs root."""

import json
import os
import pathlib
import subprocess
import tempfile

import pytest

from tests.support.catwalk_binary import binary_path, environment, wait_until
from tests.support.daemon_door import IDLE, Daemon

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="other users' processes need root")
GROUP, MEMBER, STRANGER = 61001, 61002, 61003  # of no account: numbers are enough


@pytest.fixture
def workdir():
    """A folder that every user reaches, with state and socket as the package's unit has them."""
    with tempfile.TemporaryDirectory(prefix="catwalk-group-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        for inner in ("state", "run"):
            (folder / inner).mkdir()
            os.chown(folder / inner, 0, GROUP)
            (folder / inner).chmod(0o2750)  # what is made in it is the group's, as the service's own files are
        yield folder


@pytest.fixture
def daemon(catwalk, configure, shop, workdir):
    values = configure(shop, schedule=IDLE, fetch={"pages": {"delay": "1s"}})
    process = catwalk.daemon(values["port"], "--allow-untrained", env={"RUNTIME_DIRECTORY": str(workdir / "run")})
    wait_until(lambda: process.get("/-/ready")[0] == 200)
    return Daemon(process, workdir / "state")


@pytest.fixture
def command(workdir):
    """command(user, …): runs it as that user. A member finds the socket alone, no port."""

    def run(user, *arguments):
        surroundings = {"HOME": str(workdir), "RUNTIME_DIRECTORY": str(workdir / "run")}
        if user == MEMBER:
            surroundings["CATWALK_HTTP_LISTEN"] = "127.0.0.1:1"
        return subprocess.run(
            [binary_path(), *map(str, arguments)],
            cwd=workdir,
            env=environment(surroundings),
            user=user,
            group=user,
            extra_groups=[GROUP] if user == MEMBER else [],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def run(daemon):
    """run(): begins a run of the shop; its number."""

    def begin():
        status, _, body = daemon.ask("POST", "/api/v1/sites/Zara/run", Authorization=f"Bearer {daemon.token}")
        assert status == 202, body
        return json.loads(body)["run"]

    return begin


def state_of(command, run):
    shown = command(MEMBER, "jobs", "show", run, "--json")
    assert shown.returncode == 0, shown
    return json.loads(shown.stdout)["state"]


def test_a_member_looks_on_searches_and_cancels(command, daemon, run):
    status = command(MEMBER, "status")
    assert status.returncode == 0 and "0 under way" in status.stdout, status
    begun = run()
    wait_until(lambda: state_of(command, begun) == "done")
    report = json.loads(command(MEMBER, "jobs", "show", begun, "--json").stdout)["report"]
    assert report["sites"][0]["products"] == 60
    assert command(MEMBER, "failed", "list").returncode == 0
    listed = daemon.ask("GET", "/api/v1/products?limit=1", Authorization=f"Bearer {daemon.token}")[2]
    found = command(MEMBER, "search", "--id", json.loads(listed)["items"][0]["id"], "-k", 3, "--json")
    assert found.returncode == 0, found
    cancelled = command(MEMBER, "jobs", "cancel", run())
    assert cancelled.returncode == 0 and "ends now" in cancelled.stdout, cancelled


def test_a_member_has_refused_rows_sent_again_or_dropped(command, daemon):
    for what in ("retry", "drop"):
        done = command(MEMBER, "failed", what, "--all")
        assert done.returncode == 0 and done.stdout.startswith("0 "), done


def test_a_stranger_may_nothing_and_is_told_what_is_missing(command, run):
    begun = run()
    for arguments, missing in (
        (("status", "--token"), "group"),
        (("jobs", "list"), "group"),
        (("jobs", "cancel", begun), "group"),
        (("failed", "list"), "group"),
        (("search", "--id", "x"), "group"),
    ):
        refused = command(STRANGER, *arguments)
        assert refused.returncode == 1 and missing in refused.stderr, (arguments, refused)
    refused = command(STRANGER, "failed", "retry", "--all")
    assert refused.returncode == 1 and "join the group" in refused.stderr, refused
    assert state_of(command, begun) in ("running", "done")
