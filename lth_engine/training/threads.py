"""How many CPU threads a training step uses: no more than have work to do.

Two threads make a step of LeNet-300-100 on 28 x 28 images 1.5 times faster, but one on 8 x 8 images not at all, and
every thread that waits for another costs time when the machine is busy.
"""

from __future__ import annotations

import functools

import torch
from torch import nn

from lth_engine.training.flops import TRAINING_FACTOR, forward_flops
from lth_engine.training.material import Facts

FLOPS_A_THREAD = 50e6
"""Least work of a thread in one step: about a millisecond of one core."""


def use_threads(model: nn.Module, facts: Facts, batch_size: int) -> int:
    """Set torch's number of CPU threads for training `model`, and return it."""
    forward = sum(forward_flops(model, facts.channels, facts.height, facts.width).values())
    threads = max(1, min(available_threads(), int(TRAINING_FACTOR * batch_size * forward / FLOPS_A_THREAD)))
    torch.set_num_threads(threads)
    return threads


@functools.cache
def available_threads() -> int:
    """Torch's own choice (the cores, or OMP_NUM_THREADS), read before it is changed here."""
    return torch.get_num_threads()
