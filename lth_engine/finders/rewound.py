"""A mask laid over the weights of the rewind point."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.core.mask import Mask
from lth_engine.core.ticket import Ticket


def with_ignored(kept: Mapping[str, Array], like: Mask) -> Mask:
    """The mask of all prunable parameters of `like`: those that the search ignores (not in `kept`) stay dense."""
    return Mask({name: kept.get(name, np.ones(like[name].shape, dtype=bool)) for name in like})


def rewound(mask: Mask, weights: Mapping[str, Array], level: int) -> Ticket:
    """The ticket whose kept weights are those of `weights`, bit for bit, and whose pruned weights are +0."""
    start = {name: np.where(mask[name], value, np.zeros((), value.dtype)) if name in mask else value
             for name, value in weights.items()}
    return Ticket(mask, start, level)
