"""A class-balanced subset: the same fraction of every class, and a smaller one lies inside a larger one."""

from __future__ import annotations

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput
from lth_engine.core.seeds import derive


def balanced_subset(labels: Array, fraction: float, seed: int) -> Array:
    """Indices of the subset, ascending.

    Of a class with n images, fraction * n rounded half up are taken, and at least one. For one seed the subset of a
    smaller fraction is contained in that of a larger one. Each class is ordered by raw 64-bit words of PCG64, whose
    stream numpy guarantees.

    Args:
        labels: class of each image, N.
        fraction: of each class, in (0, 1].
        seed: the recorded seed.

    Raises:
        BadInput: the fraction is not in (0, 1].
    """
    if not 0 < fraction <= 1:
        raise BadInput(f"The fraction of a subset must be in (0, 1]. Got {fraction:g}.")
    bits = np.random.PCG64(derive(seed, "subset"))
    taken = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        order = np.argsort(bits.random_raw(len(members)), kind="stable")
        taken.append(members[order[:max(1, int(fraction * len(members) + 0.5))]])
    return np.sort(np.concatenate(taken)) if taken else np.zeros(0, np.int64)
