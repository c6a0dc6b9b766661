"""Raw: what a data set's module reads, before a validation part is cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lth_engine.core.artifact import Array

Report = Callable[[str], None]
"""Told in words what is being done; called often, and may raise Cancelled."""


def silent(text: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Raw:
    """Images and labels as a source has them. Arrays may be read-only maps of a file.

    Attributes:
        train_x: uint8, N x C x H x W.
        train_y: int64, N, index into `classes`.
        test_x, test_y: the same for the test images; None where the source has no test part.
        classes: names, in the order of the labels.
    """

    train_x: Array
    train_y: Array
    test_x: Array | None
    test_y: Array | None
    classes: tuple[str, ...]
