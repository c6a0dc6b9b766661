"""KMNIST: handwritten characters of old Japanese books, 28 x 28 gray."""

from __future__ import annotations

from pathlib import Path

from lth_engine.data.cache import cached
from lth_engine.data.raw import Raw, Report
from lth_engine.data.torchvision_files import Official, idx_files, read_official
from lth_engine.specs.data import Kmnist

OFFICIAL = Official("KMNIST", "KMNIST", "KMNIST/raw", idx_files("KMNIST/raw"))


def read(spec: Kmnist, data_root: Path, report: Report) -> Raw:
    """60,000 training and 10,000 test images. Raises MissingData."""
    return cached(data_root, spec.name, lambda: read_official(OFFICIAL, data_root, report), report)
