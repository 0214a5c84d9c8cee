import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))

from tests.compat.storage.plain_http import caller  # noqa: E402
from tests.support.contract_server import ContractServer  # noqa: E402


@pytest.fixture(scope="session")
def running_server():
    with ContractServer() as server:
        yield server


@pytest.fixture
def server(running_server):
    """The contract server with empty tables: `products` (catwalk's layout), `old_products` (October 2025)."""
    running_server.reset()
    running_server.create_table("catwalk")
    running_server.create_table("2025-10", "old_products")
    return running_server


@pytest.fixture
def call(server):
    return caller(server)
