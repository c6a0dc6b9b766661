"""The second of two networks with its units in the order of the first, computing what it computed before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lth_engine.analysis.permutations.permutation_groups import permutation_groups, permuted, same_function
from lth_engine.analysis.permutations.weight_matching import weight_matching
from lth_engine.core.artifact import Array
from lth_engine.core.errors import LotteryError

_IMAGES = 4
"""Drawn images on which the outputs before and after are compared."""


@dataclass(frozen=True)
class Matched:
    """The second network, permuted.

    Attributes:
        weights: weights and buffers by name.
        mask: by name.
        moved: number of units (channels, hidden neurons) whose place changed.
    """

    weights: dict[str, Array]
    mask: dict[str, Array]
    moved: int


def matched(model: nn.Module, example: torch.Tensor, first: Mapping[str, Array], second: Mapping[str, Array],
            mask: Mapping[str, Array]) -> Matched:
    """Permute the units of the second network so that its weights come as close as possible to those of the first.

    Inner products of weights decide (see `weight_matching`); running statistics and mask follow. Which units may move:
    see `permutation_groups`. Equal networks stay as they are.

    Args:
        model: of the architecture of both; its weights and mode stay as they are.
        example: one normalised image, (1, C, H, W), on the device of the model.
        first: weights and buffers by name, finite; pruned weights are 0.
        second: likewise.
        mask: of the second network.

    Raises:
        LotteryError: the permuted network does not compute the same outputs.
    """
    groups = permutation_groups(model, example)
    kept = {name: second[name] * mask[name] if name in mask else second[name] for name, _ in _parameters(model)}
    orders = weight_matching({name: first[name] for name in kept}, kept, groups).orders
    found = Matched(permuted(second, orders), permuted(mask, orders),
                    sum(int((order != np.arange(len(order))).sum()) for order in orders.values()))
    draw = torch.Generator().manual_seed(0)
    images = torch.randn((_IMAGES, *example.shape[1:]), generator=draw, dtype=torch.float64).to(example.device)
    if not same_function(model, second, found.weights, images):
        raise LotteryError("The permuted network should compute the same outputs, but its outputs differ, so this "
                           "network's units cannot be matched; choose matching none.")
    return found


def _parameters(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return list(model.named_parameters())
