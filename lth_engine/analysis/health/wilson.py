"""Wilson's interval of a proportion (Wilson 1927): it holds for few images and at 0 and 1, too."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from lth_engine.core.artifact import Array


def wilson(right: Array, count: Array, confidence: float = 0.95) -> tuple[Array, Array]:
    """Lower and upper end, without continuity correction; [0, 1] of nothing.

    Args:
        right: counts.
        count: of how many.
        confidence: of the two-sided interval.
    """
    z = float(ndtri(0.5 + confidence / 2))
    n = np.maximum(np.asarray(count, np.float64), 1)
    share = np.asarray(right, np.float64) / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    empty = np.asarray(count) == 0
    return (np.where(empty, 0.0, np.clip(middle - half, 0, share)),
            np.where(empty, 1.0, np.clip(middle + half, share, 1)))
