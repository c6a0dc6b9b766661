"""The error barrier on the line between two networks (Pruning Close to Home, Eq. 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput, NonFinite


@dataclass(frozen=True)
class Barrier:
    """How far a curve rises above the mean of its two ends.

    Attributes:
        height: in the unit of the curve; never less than half the distance of the two ends.
        alpha: where it is reached, the first such place if there are several.
    """

    height: float
    alpha: float


def error_barrier(alpha: Array, value: Array) -> Barrier:
    """Maximum over alpha of value(alpha), less the mean of the two ends' values.

    Args:
        alpha: places on the line in ascending order, the two ends included.
        value: error (a fraction) or loss (nats) at each of them, all measured in one way.

    Raises:
        BadInput: fewer than two places, not one value a place, or places that do not ascend.
        NonFinite: a value is NaN or infinite.
    """
    alpha, value = np.asarray(alpha, np.float64), np.asarray(value, np.float64)
    if alpha.ndim != 1 or alpha.shape != value.shape or len(alpha) < 2:
        raise BadInput(f"A barrier needs at least 2 places on the line, the two ends, with one value each. Got "
                       f"{alpha.size} places and {value.size} values; measure both ends.")
    if not (np.diff(alpha) > 0).all():
        raise BadInput(f"The places on the line must ascend from one end to the other. Got {alpha[:5].tolist()} ...; "
                       "sort them.")
    if not np.isfinite(value).all():
        raise NonFinite(f"The curve is NaN or infinite at alpha {alpha[~np.isfinite(value)][0]:g}, so it has no "
                        "barrier. Choose two runs whose weights and normalisation statistics are finite.")
    highest = int(np.argmax(value))
    return Barrier(float(value[highest] - (value[0] + value[-1]) / 2), float(alpha[highest]))
