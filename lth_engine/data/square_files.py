"""Loose image files of one known size become one array."""

from __future__ import annotations

from collections.abc import Sequence

from lth_engine.core.artifact import Array
from lth_engine.core.errors import MissingData
from lth_engine.data.decoding import decode
from lth_engine.data.image_source import Source
from lth_engine.data.raw import Report
from lth_engine.data.stacking import stack


def read_square(source: Source, names: Sequence[str], side: int, report: Report) -> Array:
    """The images in this order: uint8, N x 3 x side x side; gray ones become colour.

    Raises:
        MissingData: an image has another size.
        BadInput: a file is no image.
    """
    def pixels(name: str) -> Array:
        found = decode(source.read(name), f"{source.where / name}", 0, "rgb")
        if found.shape != (side, side, 3):
            raise MissingData(f"{source.where / name} has {found.shape[1]} x {found.shape[0]} pixels where the "
                              f"published image has {side} x {side}: unpack the published archive again.")
        return found

    return stack(names, pixels, report)
