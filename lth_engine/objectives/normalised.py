"""The distance of two lists of tensors, each brought to mean 0 and variance 1 (Concrete Ticket Search, IV-C)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

EPSILON = 1e-12
"""Added to the variance, for layers whose values are all equal; small beside the variance of gradients, about 1e-8 in
a ResNet-20 at initialisation."""


def normalised(x: torch.Tensor) -> torch.Tensor:
    """N(X) = (X - E X) / sqrt(Var X) over the whole tensor."""
    centred = x - x.mean()
    return centred * torch.rsqrt(centred.square().mean() + EPSILON)


def mean_distance(ours: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor]) -> torch.Tensor:
    """Mean over the pairs of the mean square difference of the normalised tensors."""
    parts = [(normalised(one) - normalised(other)).square().mean() for one, other in zip(ours, theirs, strict=True)]
    return torch.stack(parts).mean()
