"""CIFAR-100: small photographs of 100 classes, 32 x 32 colour."""

from __future__ import annotations

from pathlib import Path

from lth_engine.data.cache import cached
from lth_engine.data.raw import Raw, Report
from lth_engine.data.torchvision_files import Official, read_official
from lth_engine.specs.data import Cifar100

OFFICIAL = Official("CIFAR-100", "CIFAR100", "cifar-100-python", ("cifar-100-python.tar.gz",))


def read(spec: Cifar100, data_root: Path, report: Report) -> Raw:
    """50,000 training and 10,000 test images. Raises MissingData."""
    return cached(data_root, spec.name, lambda: read_official(OFFICIAL, data_root, report), report)
