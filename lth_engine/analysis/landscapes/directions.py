"""Directions in which a landscape is walked: one tensor a parameter, zero where nothing may move.

Random directions of different networks show comparable landscapes only if they are scaled with the weights: a network
whose weights are twice as large, with normalisation behind them, computes the same and looks twice as flat. So each
filter (a slice along the first axis of a tensor with two axes or more) of a direction gets the length of the network's
own filter; parameters with one axis (biases, normalisation) stay where they are (Li et al. 2018, section 4, and their
code's default). With the scale "unit" the whole direction has length 1, and parameters with one axis move if the
question lets them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lth_engine.core.errors import BadInput

Direction = list[torch.Tensor]

_ROUNDS = 100
"""Orthogonalising changes the lengths of filters, and these the angle: both hold after a few rounds."""

_COSINE = 1e-6
"""Angle between two directions that counts as none, in float32."""


def scaled(direction: Sequence[torch.Tensor], weights: Sequence[torch.Tensor], scale: str) -> Direction:
    """The direction with the lengths of a scale.

    Args:
        direction: one tensor a parameter.
        weights: the network's parameters, of the same shapes.
        scale: "filter" or "unit".

    Raises:
        BadInput: the direction has no length, so that nothing would move.
    """
    found = [_by_filter(d, w) for d, w in zip(direction, weights, strict=True)] if scale == "filter" \
        else list(direction)
    whole = length(found)
    if not whole > 0:
        raise BadInput("A direction needs weights that it can move, but it is zero everywhere here: "
                       + ("the filters that may move are pruned or zero, and biases and normalisation stay with "
                          "scale = filter. Choose scale = unit, or weights = all." if scale == "filter"
                          else "choose weights = all, or another layer."))
    return found if scale == "filter" else [d / whole for d in found]


def orthogonal(second: Sequence[torch.Tensor], first: Direction, weights: Sequence[torch.Tensor],
               scale: str) -> Direction:
    """The second direction orthogonal to the first one, and scaled.

    Raises:
        BadInput: nothing is left of it.
    """
    along = _dot(first, first)
    found = list(second)
    for _ in range(_ROUNDS):
        before = length(found)
        share = _dot(found, first) / along
        found = [s - share * f for s, f in zip(found, first, strict=True)]
        if not length(found) > _COSINE * before:
            raise BadInput("A surface needs two directions, but the weights that may move have only one here: choose "
                           "dimensions = 1, or let more weights move.")
        found = scaled(found, weights, scale)
        if abs(_dot(found, first)) <= _COSINE * length(found) * along**0.5:
            break
    return found


def length(direction: Sequence[torch.Tensor]) -> float:
    """Euclidean length over all parameters together, summed in float64."""
    return _dot(direction, direction) ** 0.5


def _dot(one: Sequence[torch.Tensor], other: Sequence[torch.Tensor]) -> float:
    terms = [(a.double() * b.double()).sum() for a, b in zip(one, other, strict=True)]
    return float(sum(torch.stack(terms).tolist()))  # one wait for a device


def _by_filter(direction: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    if weight.ndim < 2:
        return torch.zeros_like(direction)
    axes = tuple(range(1, weight.ndim))
    own, wanted = (torch.linalg.vector_norm(t, dim=axes, keepdim=True) for t in (direction, weight))
    return direction * torch.where(own > 0, wanted / torch.where(own > 0, own, 1), 0)
