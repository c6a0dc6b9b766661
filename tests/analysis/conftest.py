"""A small trained run for tests that need one from a store; a test file names its own as RUN."""

from __future__ import annotations

import pytest

from lth_engine.answer import StoredInputs, answer
from lth_engine.core.workbench import Workbench
from lth_engine.store.store import Store


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A bench with an empty folder of image sets."""
    return Workbench(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def inputs(request, tmp_path_factory, bench):
    """A store's answers, among them the RUN of the test file."""
    store = Store(tmp_path_factory.mktemp("store"))
    answer(request.module.RUN, store, data_root=bench.data_root)
    return StoredInputs(store)
