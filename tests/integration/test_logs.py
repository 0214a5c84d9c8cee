"""What the log says: fields for systemd's journal, the run on each of its lines, repeats that are summed up."""

import json
import os
import signal
import subprocess
import time

import pytest

from tests.support.catwalk_binary import binary_path, environment, wait_until
from tests.support.daemon_door import IDLE, Daemon
from tests.support.journal_socket import JournalSocket
from tests.support.supabase.postgres import die_with_parent
from tests.support.zara_shop import ZaraShop

from tests.integration.site_files import site_text


@pytest.fixture
def journal(tmp_path_factory):
    journal = JournalSocket(tmp_path_factory.mktemp("j"))
    yield journal
    journal.close()


def run_in_journal(journal, workdir, *arguments):
    """Runs a command whose stderr is the journal's, as systemd starts it; (exit code, what stderr got)."""
    command = journal.wrap([binary_path(), *arguments])
    if command is None:
        pytest.skip("this machine permits no mount namespace")
    with open(workdir / "stderr", "wb") as err:
        file = os.fstat(err.fileno())
        done = subprocess.run(
            command,
            cwd=workdir,
            env=environment({"JOURNAL_STREAM": f"{file.st_dev}:{file.st_ino}"}),
            stdout=subprocess.DEVNULL,
            stderr=err,
            timeout=180,
            check=False,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
    return done.returncode, (workdir / "stderr").read_text()


def test_the_journal_gets_fields(journal, configure, workdir, shop):
    configure(shop)
    code, err = run_in_journal(journal, workdir, "scrape")
    assert (code, err) == (0, "")
    assert {entry["SYSLOG_IDENTIFIER"] for entry in journal.entries} == {"catwalk"}
    of_run = [entry for entry in journal.entries if entry.get("CATWALK_RUN_ID") == "1"]
    assert any(entry.get("CATWALK_SITE") == "Zara" for entry in of_run), journal.entries
    assert all(entry["MESSAGE"].startswith("[run 1] ") for entry in of_run)
    ended = next(entry for entry in of_run if "ended: 60 products" in entry["MESSAGE"])
    assert ended["PRIORITY"] == "6" and "CATWALK_SITE" not in ended
    untrained = next(entry for entry in journal.entries if "untrained" in entry["MESSAGE"])
    assert untrained["PRIORITY"] == "4" and "CATWALK_RUN_ID" not in untrained


def test_what_ends_the_daemon_is_an_error_in_the_journal(journal, workdir):
    (workdir / "catwalk.yaml").write_text("fetsh: {}\n")
    code, err = run_in_journal(journal, workdir, "run")
    assert (code, err) == (2, "")
    (entry,) = (entry for entry in journal.entries if "did you mean 'fetch'" in entry["MESSAGE"])
    assert entry["PRIORITY"] == "3"


def test_json_lines_go_to_the_journal_too(journal, configure, workdir, shop):
    configure(shop, log={"format": "json"})
    assert run_in_journal(journal, workdir, "scrape")[0] == 0
    lines = [(json.loads(entry["MESSAGE"]), entry) for entry in journal.entries]
    assert any(line.get("run") == 1 and entry["CATWALK_RUN_ID"] == "1" for line, entry in lines)


def test_overlapping_runs_name_themselves(catwalk, configure, workdir):
    with ZaraShop(30, page_size=5) as one, ZaraShop(30, page_size=5) as other:
        for shop in (one, other):
            shop.fault("slow", "/category/", seconds=0.2)
            shop.fault("status", "/assets/", status=404)
        sites = site_text(one).replace("Zara", "First") + site_text(other).replace("Zara", "Second")
        values = configure(sites=sites, schedule=IDLE, log={"format": "json"})
        daemon = Daemon(catwalk.daemon(values["port"]), workdir / "state")
        bearer = {"Authorization": f"Bearer {daemon.token}"}
        for site in ("First", "Second"):
            wait_until(lambda site=site: daemon.ask("POST", f"/api/v1/sites/{site}/run", **bearer)[0] == 202, 30)
        wait_until(lambda: daemon.process.err.count("ended: 30 products") == 2, 120)
        assert daemon.process.terminate() == 0
    lines = [json.loads(line) for line in daemon.process.err.splitlines() if line.startswith("{")]
    of_sites = [(line["run"], line["site"]) for line in lines if "site" in line]
    assert set(of_sites) == {(1, "First"), (2, "Second")}
    assert len(of_sites) >= 60, "each image that failed is a line of its run"
    first, second = ([i for i, line in enumerate(lines) if line.get("run") == run] for run in (1, 2))
    assert first[0] < second[0] < first[-1], "the runs did not overlap: nothing was tested"
    for run in (1, 2):
        of_run = [line["message"] for line in lines if line.get("run") == run and "site" not in line]
        assert "reads 1 site" in of_run[0] and of_run[-1].startswith("ended: 30 products")


def test_the_same_line_over_and_over_is_summed_up(catwalk, configure, workdir):
    values = configure(sites="[]\n", schedule=IDLE)
    daemon = Daemon(catwalk.daemon(values["port"]), workdir / "state")
    wait_until(lambda: daemon.ask("GET", "/-/ready")[0] == 200)
    for _ in range(9):
        daemon.process.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
    assert daemon.process.terminate() == 0
    said = [line for line in daemon.process.err.splitlines() if "nothing has changed" in line]
    assert len(said) == 6
    assert said[5].endswith("nothing has changed (said 4 more times within a minute)")
