"""MNIST: handwritten digits, 28 x 28 gray."""

from __future__ import annotations

from pathlib import Path

from lth_engine.data.cache import cached
from lth_engine.data.raw import Raw, Report
from lth_engine.data.torchvision_files import Official, idx_files, read_official
from lth_engine.specs.data import Mnist

OFFICIAL = Official(
    "MNIST", "MNIST", "MNIST/raw", idx_files("MNIST/raw"), classes=tuple(str(digit) for digit in range(10)))


def read(spec: Mnist, data_root: Path, report: Report) -> Raw:
    """60,000 training and 10,000 test images. Raises MissingData."""
    return cached(data_root, spec.name, lambda: read_official(OFFICIAL, data_root, report), report)
