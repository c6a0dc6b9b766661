"""Whether two networks are the same but for the order of their units, or nearer than chance in the best order.

The units of the second are put in the order that brings its weights closest to the first (weight matching). Matching
finds some likeness in anything, so a shuffled copy of the second, matched in the same way, shows what chance gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from lth_engine.analysis.permutations.permutation_groups import permutation_groups, permuted
from lth_engine.analysis.permutations.weight_matching import weight_matching
from lth_engine.core.artifact import Array
from lth_engine.importing.checkpoint import Checkpoint
from lth_engine.importing.network import network

MOST = 600_000
"""Weights of a network up to which matching takes seconds."""

PERMUTED = 0.99
"""Correlation after matching from which the second is told to be the first in another order."""


@dataclass(frozen=True)
class Reordered:
    """Correlation of the weights after matching.

    Attributes:
        cosine: of the two networks.
        by_chance: of the first and the shuffled second.
        moved: units whose place changed.
    """

    cosine: float
    by_chance: float
    moved: int


def reordered(first: Checkpoint, second: Checkpoint, height: int, width: int) -> Reordered:
    """Match the second network to the first; both are the same architecture, finite, of images of this size.

    Raises:
        BadInput: a file does not fit the network.
    """
    model, _ = network(first)
    a, b = _parameters(model), _parameters(network(second)[0])
    known = first.architecture
    channels = known.channels if known is not None else 3
    groups = permutation_groups(model, torch.zeros(1, channels, height, width))
    draw = np.random.default_rng(0)
    shuffled = {name: draw.permuted(value.ravel()).reshape(value.shape) for name, value in b.items()}
    orders = weight_matching(a, b, groups).orders
    by_chance = permuted(shuffled, weight_matching(a, shuffled, groups).orders)
    moved = sum(int((order != np.arange(len(order))).sum()) for order in orders.values())
    return Reordered(_cosine(a, permuted(b, orders)), _cosine(a, by_chance), moved)


def _parameters(model: torch.nn.Module) -> dict[str, Array]:
    return {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}


def _cosine(a: dict[str, Array], b: dict[str, Array]) -> float:
    """Of the weights with two or more dimensions."""
    one, other = (np.concatenate([value.ravel().astype(np.float64) for name, value in sorted(side.items())
                                  if value.ndim >= 2]) for side in (a, b))
    return float(one @ other / max(np.sqrt((one @ one) * (other @ other)), np.finfo(np.float64).tiny))
