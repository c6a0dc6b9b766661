"""The distance of two lists of tensors, each brought to mean 0 and variance 1 (Concrete Ticket Search, IV-C)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

SMALLEST = 1e-30
"""Variance at and below which values count as all equal: far below that of the gradients of a layer at 1% density,
which may be 1e-14 (1e-8 in a dense ResNet-20), and far enough above the smallest float32 that its root has an inverse.
"""


def normalised(x: torch.Tensor) -> torch.Tensor:
    """N(X) = (X - E X) / sqrt(Var X) over the whole tensor; 0, and no gradient, where all values are equal."""
    centred = x - x.mean()
    variance = centred.square().mean()
    varies = variance > SMALLEST
    scale = torch.where(varies, variance, torch.ones_like(variance)).rsqrt()
    return centred * torch.where(varies, scale, torch.zeros_like(scale))


def mean_distance(ours: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor]) -> torch.Tensor:
    """Mean over the pairs of the mean square difference of the normalised tensors."""
    parts = [(normalised(one) - normalised(other)).square().mean() for one, other in zip(ours, theirs, strict=True)]
    return torch.stack(parts).mean()
