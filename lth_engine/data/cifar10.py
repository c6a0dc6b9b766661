"""CIFAR-10: small photographs, 32 x 32 colour."""

from __future__ import annotations

from pathlib import Path

from lth_engine.data.cache import cached
from lth_engine.data.raw import Raw, Report
from lth_engine.data.torchvision_files import Official, read_official
from lth_engine.specs.data import Cifar10

OFFICIAL = Official("CIFAR-10", "CIFAR10", "cifar-10-batches-py", ("cifar-10-python.tar.gz",))


def read(spec: Cifar10, data_root: Path, report: Report) -> Raw:
    """50,000 training and 10,000 test images. Raises MissingData."""
    return cached(data_root, spec.name, lambda: read_official(OFFICIAL, data_root, report), report)
