"""PgBouncer before a Postgres on loopback: a transaction pooler as Supabase has one, also over TLS."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import psycopg.conninfo
import pytest

from .supabase.postgres import NOBODY, die_with_parent


def _program():
    """None where it is not installed; Debian has it outside of most people's PATH."""
    return shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")


class PgBouncer:
    """`certificate`: a PEM file with its key; it speaks TLS alone then. `url(**settings)` is what catwalk connects to.

    Each transaction gets whichever of the server's connections is free, so nothing of a session lasts.
    """

    def __init__(self, dsn, certificate=None):
        program = _program()
        if program is None:
            pytest.skip("pgbouncer is not installed (scripts/setup --test)")
        at = psycopg.conninfo.conninfo_to_dict(dsn)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="catwalk-pgbouncer-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.certificate = certificate and self.folder / "server.pem"
        if certificate:
            shutil.copy(certificate, self.certificate)
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "any",
            "pool_mode": "transaction",
            "default_pool_size": 3,
            # Round robin: the next transaction is not on the connection of the one before.
            "server_round_robin": 1,
            "logfile": self.folder / "log",
        }
        if certificate:
            settings |= {
                "client_tls_sslmode": "require",
                "client_tls_key_file": self.certificate,
                "client_tls_cert_file": self.certificate,
            }
        database = f"postgres = host=127.0.0.1 port={at['port']} dbname={at['dbname']} user={at['user']}"
        lines = ["[databases]", database, "[pgbouncer]", *(f"{name} = {value}" for name, value in settings.items())]
        (self.folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
        as_nobody = {}
        if os.geteuid() == 0:  # which it refuses to run as
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, NOBODY, NOBODY)
            as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        self.process = subprocess.Popen(
            [program, "-q", self.folder / "pgbouncer.ini"],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent(signal.SIGTERM),
            **as_nobody,
        )

    def url(self, host="127.0.0.1", **settings):
        more = "&".join(f"{name}={value}" for name, value in settings.items())
        return f"postgresql://postgres@{host}:{self.port}/postgres" + (f"?{more}" if more else "")

    @property
    def log(self):
        return (self.folder / "log").read_text() if (self.folder / "log").exists() else ""

    def __enter__(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise RuntimeError(f"pgbouncer did not start:\n{self.log}")

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)
