"""One thread for networks this small: more only wait for one another."""

import pytest
import torch

from lth_engine.core.workbench import Workbench
from lth_engine.specs.data import Digits
from lth_engine.training.material import material


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def data_root(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def images(data_root):
    return material(Digits(), Workbench(data_root))
