"""The digits of scikit-learn: 1,797 gray images of 8 x 8 pixels inside the package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from lth_engine.data.raw import Raw, Report
from lth_engine.specs.data import Digits

DARKEST = 16
"""Largest pixel value in the package."""


def read(spec: Digits, data_root: Path, report: Report) -> Raw:
    """All images as one part: the package has no test set. Pixels 0..16 are scaled to 0..255 and rounded."""
    x, y = load_digits(return_X_y=True)
    pixels = np.rint(x * 255 / DARKEST).astype(np.uint8).reshape(-1, 1, 8, 8)
    return Raw(pixels, y.astype(np.int64), None, None, tuple(str(digit) for digit in range(10)))
