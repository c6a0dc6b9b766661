"""A server of children that answers by the entries of these tests; it loads no torch, so it starts at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lth_engine.gate.server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server("tests.gate.entries")
    yield made
    made.close()


@pytest.fixture(scope="session")
def real_server() -> Iterator[Server]:
    """A server with the entries of the lab."""
    made = Server()
    yield made
    made.close()
