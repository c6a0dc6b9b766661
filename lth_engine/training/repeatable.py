"""Whether a GPU may choose among algorithms by their speed, some of which add in another order every time."""

from __future__ import annotations

import torch


def set_deterministic(wanted: bool) -> None:
    """Allow only operations that give the same bits every time, or let cuDNN time its algorithms and take the fastest.

    A CPU gives the same bits either way, for one number of threads.
    """
    torch.use_deterministic_algorithms(wanted)
    torch.utils.deterministic.fill_uninitialized_memory = False  # costs a kernel an allocation, and only finds bugs
    torch.backends.cudnn.deterministic = wanted
    torch.backends.cudnn.benchmark = not wanted
