"""`catwalk state backup | restore | check | prune`, beside a daemon and without one; `catwalk status`; completions."""

import json
import os
import shutil
import sqlite3
import subprocess
import time

import pytest

from tests.support.catwalk_binary import wait_until
from tests.support.daemon_door import IDLE, Daemon
from tests.support.older_state import make_older, steps


@pytest.fixture
def filled(catwalk, configure, shop, workdir):
    """A state with ten products; the settings."""
    settings = configure(shop, schedule=IDLE)
    assert catwalk("scrape", "Zara", "--limit", "10").code == 0
    return settings


def products(file):
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
        return {row[0] for row in db.execute("select id from products")}


def test_a_backup_beside_the_daemon_and_its_restore(catwalk, filled, workdir):
    daemon = catwalk.daemon(filled["port"])
    wait_until(lambda: daemon.get("/-/ready")[0] == 200)
    done = catwalk("state", "backup", "b.sqlite3")
    assert (done.code, done.out) == (0, "b.sqlite3\n"), done
    assert oct(os.stat(workdir / "b.sqlite3").st_mode & 0o777) == "0o600"
    assert len(products(workdir / "b.sqlite3")) == 10
    again = catwalk("state", "backup", "b.sqlite3")
    assert again.code == 2 and "exists" in again.err
    held = catwalk("state", "restore", "b.sqlite3")
    assert held.code == 4 and str(daemon.pid) in held.err
    assert daemon.terminate() == 0

    with sqlite3.connect(workdir / "state" / "catwalk.sqlite3") as db:
        db.execute("delete from products")
    done = catwalk("state", "restore", "b.sqlite3")
    assert done.code == 0, done
    assert "catwalk.sqlite3.replaced-1" in done.out
    assert len(products(workdir / "state" / "catwalk.sqlite3")) == 10
    assert catwalk("state", "check").code == 0


def test_a_check_tells_damage_apart(catwalk, filled, workdir):
    done = catwalk("state", "check", "--json")
    assert (done.code, done.json) == (0, {"problems": [], "products": 10, "vectors": 10})
    file = workdir / "state" / "catwalk.sqlite3"
    with sqlite3.connect(file) as db:
        db.execute("update images set vector = zeroblob(2048) where rowid = 3")
    done = catwalk("state", "check")
    assert done.code == 1
    assert "is not what was stored" in done.out and "restore" in done.err
    file.write_bytes(b"x" * 8192)
    done = catwalk("state", "check")
    assert done.code == 1
    assert "catwalk.sqlite3" in done.err


def test_flipped_bits_are_found(catwalk, filled, workdir):
    """Bits in vectors' pages: SQLite's own check sees few of them."""
    file = workdir / "state" / "catwalk.sqlite3"
    with sqlite3.connect(file) as db:
        (vector,) = db.execute("select vector from images order by rowid limit 1").fetchone()
        db.execute("pragma wal_checkpoint(truncate)")
    good = file.read_bytes()
    start = good.index(vector[:64])
    for offset in range(0, 60, 3):
        damaged = bytearray(good)
        damaged[start + offset] ^= 1 << (offset % 8)
        file.write_bytes(damaged)
        assert catwalk("state", "check").code == 1, offset
    file.write_bytes(good)
    assert catwalk("state", "check").code == 0


def test_prune_here_and_through_the_daemon(catwalk, filled, workdir):
    def age():
        with sqlite3.connect(workdir / "state" / "catwalk.sqlite3", timeout=20) as db:
            long_ago = int((time.time() - 400 * 86400) * 1000)
            db.execute("insert into runs (job, started, finished, state) values ('x', ?, ?, 'done')", [long_ago] * 2)

    age()
    done = catwalk("state", "prune")
    assert done.code == 0, done
    assert dict(line.split() for line in done.out.splitlines())["runs"] == "1"
    daemon = catwalk.daemon(filled["port"])
    wait_until(lambda: daemon.get("/-/ready")[0] == 200)
    age()
    done = catwalk("state", "prune")
    assert done.code == 0, done
    assert dict(line.split() for line in done.out.splitlines())["runs"] == "1"


def test_status(catwalk, filled, workdir):
    done = catwalk("status")
    assert done.code == 1 and "no daemon answers" in done.err
    assert str(filled["port"]) in done.err
    process = catwalk.daemon(filled["port"])
    daemon = Daemon(process, workdir / "state")
    wait_until(lambda: daemon.ask("GET", "/-/ready")[0] == 200)
    done = catwalk("status")
    assert done.code == 0, done
    for part in ("untrained (512 numbers, untrained)", "0 under way", "10 products, 10 vectors", "next in"):
        assert part in done.out, (part, done.out)
    assert json.loads(catwalk("status", "--json").out)["status"] == "ok"
    # Through the unix socket the token is not needed, and the port not even right.
    assert (workdir / "state" / "catwalk.sock").is_socket()
    elsewhere = {"CATWALK_HTTP_LISTEN": "127.0.0.1:1"}
    assert catwalk("status", env=elsewhere).code == 0
    assert catwalk("healthcheck", env=elsewhere).out == "healthy\n"
    token = daemon.token
    (workdir / "state" / "http.token").rename(workdir / "state" / "away")
    assert catwalk("status", "--token", env=elsewhere).out.strip() == token
    assert process.terminate() == 0
    assert not (workdir / "state" / "catwalk.sock").exists()


def test_the_runtime_folder_takes_the_socket(catwalk, filled, tmp_path_factory):
    folder = tmp_path_factory.mktemp("r")
    env = {"RUNTIME_DIRECTORY": str(folder)}
    process = catwalk.daemon(filled["port"], env=env)
    wait_until(lambda: process.get("/-/ready")[0] == 200)
    assert oct(os.stat(folder / "catwalk.sock").st_mode & 0o777) == "0o660"
    assert catwalk("status", env={**env, "CATWALK_HTTP_LISTEN": "127.0.0.1:1"}).code == 0
    process.kill()
    # What a killed daemon left behind is in nobody's way.
    process = catwalk.daemon(filled["port"], env=env)
    wait_until(lambda: catwalk("status", env={**env, "CATWALK_HTTP_LISTEN": "127.0.0.1:1"}).code == 0)
    assert process.terminate() == 0


def test_completions_and_the_manual_page(catwalk, configure, workdir):
    configure()
    script = workdir / "catwalk.bash"
    script.write_text(catwalk("completion", "bash").out)
    asked = subprocess.run(
        ["bash", "-c", f"source {script}; COMP_WORDS=(catwalk state ''); COMP_CWORD=2; _catwalk; echo ${{COMPREPLY[*]}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    words = asked.stdout.split()
    assert {"backup", "restore", "check", "prune", "--config"} <= set(words), asked
    options = subprocess.run(
        ["bash", "-c", f"source {script}; COMP_WORDS=(catwalk backfill --m); COMP_CWORD=2; _catwalk; echo ${{COMPREPLY[*]}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert options.stdout.split() == ["--missing"], options
    for shell in ("zsh", "fish"):
        text = catwalk("completion", shell).out
        assert "scrape" in text and "backup" in text
        assert "'backfill ')" not in text and " -a  " not in text
        if shutil.which(shell):
            subprocess.run([shell, "-n"], input=text, text=True, check=True)
    page = catwalk("completion", "man").out
    assert ".SS catwalk state backup" in page
    if shutil.which("man"):
        (workdir / "catwalk.1").write_text(page)
        shown = subprocess.run(["man", "--warnings", "-l", workdir / "catwalk.1"], capture_output=True, text=True, check=False)
        assert shown.stderr.strip() == "", shown.stderr
    assert catwalk("completion", "tcsh").code == 2


def content_of(file):
    """What no migration may lose: products with their fields, pictures with their vectors."""
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
        products = db.execute("select id, fields, first_seen, vector_state from products order by id").fetchall()
        return products, db.execute("select url, vector from images order by url").fetchall()


def version_of(file):
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
        return db.execute("pragma user_version").fetchone()[0]


def test_a_filled_state_of_an_earlier_version_is_brought_up_to_date(catwalk, filled, shop, workdir):
    file = workdir / "state" / "catwalk.sqlite3"
    before = content_of(file)
    for version in range(1, len(steps())):
        make_older(file, version)
        assert (version_of(file), content_of(file)) == (version, before)
        done = catwalk("state", "prune")
        assert done.code == 0, done
        assert (version_of(file), content_of(file)) == (len(steps()), before)
        copy = file.with_name(f"{file.name}.before-v{version + 1}")
        assert list(workdir.glob("state/*.before-v*")) == [copy]
        assert f"copied the state database to {copy}" in done.err
        assert (version_of(copy), content_of(copy)) == (version, before)
        copy.unlink()
    assert catwalk("state", "check", "--json").json == {"problems": [], "products": 10, "vectors": 10}
    # From the oldest of all, nothing is new to a run: it asks for no picture.
    make_older(file, 1)
    shop.clear_log()
    done = catwalk("scrape", "Zara", "--limit", "10", "--json")
    assert (done.code, done.json["images_embedded"], shop.requests("image")) == (0, 0, []), done
    assert content_of(file) == before


def test_a_state_of_a_later_version_is_refused_and_the_copy_named_is_the_way_back(catwalk, filled, workdir):
    """A later catwalk copied the state, changed it, and is taken away again."""
    file = workdir / "state" / "catwalk.sqlite3"
    before = content_of(file)
    later = len(steps()) + 1
    copy = file.with_name(f"{file.name}.before-v{later}")
    shutil.copy(file, copy)
    with sqlite3.connect(file) as db:
        db.execute("create table of_tomorrow (x)")
        db.execute(f"pragma user_version = {later}")
    for command in (("run",), ("scrape", "Zara"), ("state", "prune")):
        refused = catwalk(*command, timeout=60)
        assert f"it has version {later}, this catwalk knows up to {later - 1}" in refused.err
        assert refused.code == 2, refused
        assert f"catwalk state restore {copy}" in refused.err
    checked = catwalk("state", "check")
    assert checked.code == 2 and f"it has version {later}" in checked.err, checked
    assert version_of(file) == later, "what was refused was changed"
    restored = catwalk("state", "restore", copy)
    assert restored.code == 0, restored
    assert version_of(workdir / "state" / "catwalk.sqlite3.replaced-1") == later
    assert content_of(file) == before
    daemon = catwalk.daemon(filled["port"])
    wait_until(lambda: daemon.get("/-/ready")[0] == 200)
    assert daemon.terminate() == 0
