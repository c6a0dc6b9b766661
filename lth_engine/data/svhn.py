"""SVHN: digits of house numbers, 32 x 32 colour."""

from __future__ import annotations

from pathlib import Path

from lth_engine.data.cache import cached
from lth_engine.data.raw import Raw, Report
from lth_engine.data.torchvision_files import Official, read_official
from lth_engine.specs.data import Svhn

OFFICIAL = Official(
    "SVHN", "SVHN", "svhn", ("svhn/train_32x32.mat", "svhn/test_32x32.mat"),
    classes=tuple(str(digit) for digit in range(10)), parts=({"split": "train"}, {"split": "test"}), below="svhn")


def read(spec: Svhn, data_root: Path, report: Report) -> Raw:
    """73,257 training and 26,032 test images. Raises MissingData."""
    return cached(data_root, spec.name, lambda: read_official(OFFICIAL, data_root, report), report)
