"""Threads of a step: as many as have work, never more than there are."""

import torch

from lth_engine.models.build import build
from lth_engine.specs.models import Lenet300100
from lth_engine.training.material import Facts
from lth_engine.training.threads import available_threads, use_threads


def test_small_steps_use_one_thread_and_large_ones_all():
    before = torch.get_num_threads()
    small, large = (Facts(1, side, side, 10, (0.5,), (0.5,)) for side in (8, 28))
    try:
        assert use_threads(build(Lenet300100(), 1, 8, 8, 10, 0), small, 64) == torch.get_num_threads() == 1
        assert use_threads(build(Lenet300100(), 1, 28, 28, 10, 0), large, 2048) == available_threads()
    finally:
        torch.set_num_threads(before)
