"""The memory that graphs may take on a GPU, which is played."""

import pytest
import torch

from lth_engine.analysis.curvature import graph_memory

GIB = 2**30


@pytest.mark.parametrize("recorded", [0, 30, 70])
def test_half_of_what_is_free_without_the_cache_may_be_taken(monkeypatch, recorded):
    """80 GiB: 5 in use, 4 cached, and the pools of recorded training steps, which no cache gives back."""
    cached = [4 * GIB]
    monkeypatch.setattr(torch.cuda, "empty_cache", cached.clear)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: ((75 - recorded) * GIB - sum(cached), 80 * GIB))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: pytest.fail("all of it is not free"))
    assert graph_memory._budget(torch.device("cuda")) == (75 - recorded) * GIB // 2
    assert graph_memory._budget(torch.device("cpu")) == graph_memory.GRAPH_BYTES
