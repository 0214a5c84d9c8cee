"""Fixtures: contract server, shop, model, a working folder with its configuration, the executable."""

import pathlib
import sys

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.integration.site_files import site_text  # noqa: E402
from tests.support.catwalk_binary import Catwalk, binary_path, free_port  # noqa: E402
from tests.support.contract_server import ContractServer  # noqa: E402
from tests.support.figures import LINES  # noqa: E402
from tests.support.zara_shop import ZaraShop  # noqa: E402


def pytest_terminal_summary(terminalreporter):
    if LINES:
        terminalreporter.section("figures")
    for line in LINES:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def binary():
    path = binary_path()
    if not path.exists():
        pytest.exit(f"{path} does not exist: build it, or name another one in CATWALK_BINARY", returncode=3)
    return path


@pytest.fixture(scope="session")
def contract_server():
    with ContractServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres(contract_server):
    """The address of the Postgres behind the contract server, as its superuser."""
    return contract_server.dsn


@pytest.fixture
def supabase(contract_server):
    """The contract server with an empty table `products` in catwalk's layout."""
    contract_server.reset()
    contract_server.create_table("catwalk")
    return contract_server


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory):
    """A models folder with the untrained model of seed 1, made once."""
    folder = tmp_path_factory.mktemp("model")
    models = folder / "models"
    (folder / "catwalk.yaml").write_text(
        yaml.safe_dump({"state": {"dir": str(folder / "state")}, "embed": {"models_dir": str(models)}})
    )
    done = Catwalk(folder)("model", "import", "--untrained", "--seed", "1", timeout=300)
    assert done.code == 0, done
    assert any(models.rglob("*")), f"no model in {models}: {done}"
    return models


@pytest.fixture
def workdir(tmp_path):
    return tmp_path


@pytest.fixture
def shop():
    """60 products in Zara's "all men" category, 25 to a page."""
    with ZaraShop(60, page_size=25) as running:
        yield running


@pytest.fixture
def catwalk(workdir):
    runner = Catwalk(workdir)
    yield runner
    runner.stop_all()


def merged(base, more):
    result = dict(base)
    for key, value in more.items():
        result[key] = (
            merged(result[key], value)
            if isinstance(value, dict) and isinstance(result.get(key), dict)
            else value
        )
    return result


@pytest.fixture
def configure(workdir, models_dir):
    """configure(shop, supabase, sites=…, **settings): writes catwalk.yaml, sites.yaml and the key.

    Without `supabase` there is no sink. Polite delays are off unless a test sets them.
    """

    def write(shop=None, supabase=None, sites=None, **settings):
        values = {
            "state": {"dir": str(workdir / "state"), "min_free": "1MB"},
            "http": {"listen": f"127.0.0.1:{free_port()}"},
            "fetch": {
                "allow_private_addresses": True,
                "pages": {"delay": "0s", "timeout": "20s"},
                "images": {"timeout": "20s"},
            },
            "embed": {"models_dir": str(models_dir), "model": "untrained", "threads": 2},
            "log": {"level": "debug"},
        }
        if supabase is not None:
            (workdir / "key").write_text(supabase.key)
            values["sink"] = {"kind": "supabase", "url": supabase.url, "key": {"file": str(workdir / "key")}}
        values = merged(values, settings)
        (workdir / "catwalk.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
        if sites is None and shop is not None:
            sites = site_text(shop)
        if sites is not None:
            (workdir / "sites.yaml").write_text(sites, encoding="utf-8")
        values["port"] = int(values["http"]["listen"].rsplit(":", 1)[1])
        return values

    return write
