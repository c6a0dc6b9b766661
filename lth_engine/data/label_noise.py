"""Label noise as the field draws it: some images get a label drawn uniformly, by chance the true one."""

from __future__ import annotations

import math

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput


def noisy_labels(labels: Array, fraction: float, num_classes: int, seed: int) -> Array:
    """A copy of the labels in which ceil(N * fraction) images have a uniformly drawn label.

    The drawn label may be the true one, so that about fraction * (1 - 1/num_classes) of the labels are wrong. Seed
    and draws are those of open_lth (datasets/base.py: randomize_labels): which images by RandomState(seed + 1), which
    labels by RandomState(seed); numpy keeps the streams of RandomState for ever.

    Args:
        labels: class of each image, N, int64.
        fraction: in [0, 1].
        num_classes: labels are drawn from [0, num_classes).
        seed: in [0, 2**32 - 2].

    Raises:
        BadInput: a fraction or seed outside of its range.
    """
    if not 0 <= fraction <= 1:
        raise BadInput(f"The fraction of noisy labels must be in [0, 1]. Got {fraction:g}.")
    if not 0 <= seed < 2**32 - 1:
        raise BadInput(f"The seed of label noise must be in [0, {2**32 - 2}]. Got {seed}.")
    count = math.ceil(len(labels) * fraction)
    chosen = np.random.RandomState(seed + 1).permutation(len(labels))[:count]
    noisy = np.array(labels)
    noisy[chosen] = np.random.RandomState(seed).randint(num_classes, size=count)
    return noisy
