"""How public code decides which weights a round keeps, for comparing with it weight by weight.

Each rule gets the scores of the weights that remain, as one vector, and returns which of them it keeps. They differ by
a few weights in the count, and in ties: `open_lth` and `kthvalue` prune all weights that tie at the threshold, `aws`
keeps them. The lab's own rule (`allocate`) keeps the exact count.
"""

from __future__ import annotations

import math
from fractions import Fraction

import torch

from lth_engine.masking.allocate import smallest


def open_lth(scores: torch.Tensor, fraction: Fraction, ignored: int) -> torch.Tensor:
    """Keep what is above the value at place ceil(fraction x n) of the sorted scores (from 0): one more than that is
    pruned. The quota counts `ignored` weights (of layers that stay dense) too, but takes none of them."""
    place = math.ceil(fraction * (scores.numel() + ignored))
    if place >= scores.numel():
        return torch.zeros_like(scores, dtype=torch.bool)
    return scores > smallest(scores, place + 1)


def aws(scores: torch.Tensor, fraction: Fraction) -> torch.Tensor:
    """Keep everything not below the k-th largest score, k = n (1 - fraction) rounded down."""
    keep = int(scores.numel() * (1 - fraction))
    if keep == 0:
        return torch.zeros_like(scores, dtype=torch.bool)
    return scores >= smallest(scores, scores.numel() - keep + 1)


def kthvalue(scores: torch.Tensor, density: Fraction, total: int) -> torch.Tensor:
    """Keep what is above the k-th smallest score of all, k = (1 - density) total rounded down, where the pruned
    weights count as smallest."""
    place = int((1 - density) * total) - (total - scores.numel())
    if place < 1:
        return torch.ones_like(scores, dtype=torch.bool)
    return scores > smallest(scores, place)
