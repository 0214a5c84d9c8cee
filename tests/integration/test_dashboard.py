"""The dashboard in Debian's Chromium (tests/browser), against the daemon, the demo shop and a real Postgres."""

import shutil
import subprocess

import pytest

from tests.support import chromium
from tests.support.browser_stage import Stage
from tests.support.catwalk_binary import ROOT

BROWSER_TESTS = ROOT / "tests" / "browser"


@pytest.fixture(scope="module")
def stage(tmp_path_factory, contract_server):
    if shutil.which("node") is None:
        pytest.skip("there is no node: scripts/setup --test installs it where Debian has it")
    if reason := chromium.why_not():
        pytest.skip(reason)
    if not (ROOT / "build" / "browser" / "node_modules").is_dir():
        pytest.skip("playwright-core and axe-core are not there: scripts/setup --test installs them from npm")
    contract_server.reset()
    contract_server.create_table("catwalk")
    built = Stage(tmp_path_factory.mktemp("stage"), contract_server)
    yield built
    built.close()


NAMES = [
    "session",
    "run",
    "overview",
    "product",
    "run_detail",
    "catalogue",
    "sites",
    "accessibility",
    "failures",
    "restart",
]


@pytest.mark.parametrize("name", NAMES)
def test_in_the_browser(stage, name):
    file = BROWSER_TESTS / f"{name}.test.mjs"
    done = subprocess.run(
        ["node", "--test", "--test-reporter=spec", file],
        env=stage.surroundings,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{stage.daemon.err[-3000:]}"
    print(done.stdout)
