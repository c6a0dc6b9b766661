"""What must hold in every run of a ticket, checked on the weights themselves.

Each check caught a real bug of published code: pruned weights that came back, kept weights that were frozen
because a mask compared signed values with a threshold, a "rewind" that did not rewind, layers that were pruned away.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.core.mask import Mask

Weights = Mapping[str, Array]


def moved(mask: Mask, start: Weights, final: Weights) -> tuple[float, float]:
    """Fraction of the kept weights that training changed: those positive at the start, and those negative.

    1 for a sign that no kept weight has.
    """
    changed, count = np.zeros(2), np.zeros(2)
    for name, kept in mask.items():
        before, after = start[name][kept], final[name][kept]
        for i, sign in enumerate((before > 0, before < 0)):
            changed[i] += np.count_nonzero(after[sign] != before[sign])
            count[i] += np.count_nonzero(sign)
    positive, negative = np.where(count > 0, changed / np.maximum(count, 1), 1.0)
    return float(positive), float(negative)


def rewound_exactly(mask: Mask, actual: Weights, origin: Weights, signs: bool = True) -> bool:
    """Whether kept weights, other parameters and buffers equal those that the ticket descends from bit for bit.

    With `signs` False, the magnitudes of the kept weights alone must be the same.
    """
    for name, value in actual.items():
        kept = mask[name] if name in mask else np.ones(value.shape, dtype=bool)
        pair = [value[kept], origin[name][kept]]
        first, second = pair if signs or name not in mask else map(np.abs, pair)
        if first.tobytes() != second.tobytes():
            return False
    return True


def signs_kept(mask: Mask, start: Weights, final: Weights) -> float:
    """Fraction of the kept weights whose sign at the end of training is that at its start."""
    same = sum(int(np.count_nonzero(np.sign(final[n][kept]) == np.sign(start[n][kept]))) for n, kept in mask.items())
    return same / mask.kept


def disconnected(mask: Mask) -> tuple[int, int]:
    """(units, layers) that the mask cuts off from their input.

    A unit (an output row of a weight) is cut off when none of the weights into it is kept: it computes a constant
    (though in a residual network the shortcut may still feed the channel). A layer, when it keeps nothing.
    """
    units = sum(int((~kept.reshape(len(kept), -1).any(axis=1)).sum()) for kept in mask.values())
    layers = sum(not kept.any() for kept in mask.values())
    return units, layers


def all_finite(weights: Weights) -> bool:
    """Whether every parameter and buffer is a finite number."""
    return all(bool(np.isfinite(value).all()) for value in weights.values())
