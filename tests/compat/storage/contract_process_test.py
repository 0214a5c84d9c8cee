"""The contract server as a process: it ends and leaves nothing."""

import json
import pathlib
import subprocess
import sys
import time
import urllib.request

import psycopg
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]


def start_command():
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.support.postgrest",
            "--port",
            "0",
            "--print-url",
            "--layout",
            "2026-02",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, json.loads(process.stdout.readline())


def is_alive(dsn):
    try:
        psycopg.connect(dsn, connect_timeout=2).close()
        return True
    except psycopg.OperationalError:
        return False


@pytest.fixture
def own_tmp(tmp_path, monkeypatch):
    """A temporary folder of the command's own, which Postgres' user can enter."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    return tmp_path


def test_sigterm_ends_the_command_and_leaves_nothing(own_tmp):
    process, said = start_command()
    assert said["pid"] == process.pid
    request = urllib.request.Request(f"{said['url']}/rest/v1/products", headers={"apikey": said["key"]})
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer) == []
    assert list(own_tmp.iterdir())
    process.terminate()
    assert process.wait(20) == 0
    process.stdout.close()
    assert not is_alive(said["dsn"])
    assert list(own_tmp.iterdir()) == []


@pytest.mark.usefixtures("own_tmp")
def test_postgres_dies_with_a_killed_server():
    process, said = start_command()
    process.kill()
    process.wait(10)
    process.stdout.close()
    deadline = time.monotonic() + 10
    while is_alive(said["dsn"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(said["dsn"])
