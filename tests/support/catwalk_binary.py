"""Runs the real executable: commands to their end, the daemon until it is stopped or killed."""

import dataclasses
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from .supabase.postgres import die_with_parent

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What the surroundings of a test may not decide.
FOREIGN = (
    "CATWALK_",
    "SUPABASE_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "EMBEDDINGS_",
    "USE_RAILWAY",
    "RAILWAY_",
    "USER_AGENT",
    "INSECURE_SSL",
    "STATE_DIRECTORY",
    "NOTIFY_SOCKET",
    "JOURNAL_STREAM",
)


def binary_path():
    return pathlib.Path(os.environ.get("CATWALK_BINARY", ROOT / "build" / "release" / "catwalk"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(extra=None):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**kept, "LC_ALL": "C.UTF-8", **(extra or {})}


@dataclasses.dataclass
class Result:
    code: int
    out: str
    err: str
    seconds: float

    @property
    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"exit {self.code} after {self.seconds:.1f} s\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Catwalk:
    """Commands in one working folder, with its `catwalk.yaml`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.started = []

    def __call__(self, *arguments, env=None, timeout=180, address_space=None):
        """Runs a command to its end, with at most `address_space` bytes of memory mapped (RLIMIT_AS)."""
        ends_with_us = die_with_parent(signal.SIGKILL)

        def in_child():
            ends_with_us()
            if address_space is not None:
                resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))

        begun = time.monotonic()
        done = subprocess.run(
            [binary_path(), *map(str, arguments)],
            cwd=self.folder,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
            preexec_fn=in_child,
        )
        return Result(
            done.returncode,
            done.stdout.decode(errors="replace"),
            done.stderr.decode(errors="replace"),
            time.monotonic() - begun,
        )

    def begin(self, *arguments, env=None):
        """Starts a command and returns it while it runs."""
        process = Running(self.folder, arguments, environment(env), len(self.started))
        self.started.append(process)
        return process

    def daemon(self, port, *arguments, env=None, timeout=60):
        """`catwalk run`, once `/-/healthy` answers."""
        process = self.begin("run", *arguments, env=env)
        process.port = port
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if process.ended is not None:
                raise AssertionError(f"the daemon ended with {process.ended}:\n{process.err}")
            try:
                process.get("/-/healthy")
                return process
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"the daemon did not answer within {timeout} s:\n{process.err}")

    def stop_all(self):
        for process in self.started:
            process.kill()


class Running:
    def __init__(self, folder, arguments, env, number):
        self.out_path, self.err_path = folder / f"{number}.out", folder / f"{number}.err"
        self.begun = time.monotonic()
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen(
                [binary_path(), *map(str, arguments)],
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
        self.port = None

    @property
    def pid(self):
        return self.process.pid

    @property
    def ended(self):
        """The exit code; None while it runs."""
        return self.process.poll()

    @property
    def out(self):
        return self.out_path.read_text(errors="replace")

    @property
    def err(self):
        return self.err_path.read_text(errors="replace")

    def kill(self):
        """kill -9, and waits for it to be gone."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def terminate(self, timeout=60):
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.wait(timeout)

    def wait(self, timeout=180):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout} s:\n{self.err}") from None

    def get(self, path, timeout=10):
        """(status, headers, body) of the daemon's HTTP server."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=timeout) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()


def wait_until(condition, timeout=60, message="it did not happen"):
    """The condition's first true value."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"{message} within {timeout} s")
