"""The seeded cut of a part of the images, the same fraction of every class."""

from __future__ import annotations

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.core.seeds import derive


def cut(labels: Array, fraction: float, seed: int, purpose: str) -> tuple[Array, Array]:
    """Indices kept and indices cut, both ascending.

    Of a class with n images, fraction * n rounded half up are cut: at least one (unless the fraction is 0)
    and never all. The draw orders each class by raw 64-bit words of PCG64, whose stream
    numpy guarantees; its permutation() may change between versions.

    Args:
        labels: class of each image, N.
        fraction: of each class, in [0, 1).
        seed: the recorded seed.
        purpose: what is cut ("validation", "test"), so that two cuts with one seed are independent.
    """
    chosen = np.zeros(len(labels), dtype=bool)
    bits = np.random.PCG64(derive(seed, "split", purpose))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        order = np.argsort(bits.random_raw(len(members)), kind="stable")
        chosen[members[order[: _count(len(members), fraction)]]] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def _count(size: int, fraction: float) -> int:
    if fraction == 0:
        return 0
    return min(max(1, int(fraction * size + 0.5)), size - 1)
