"""Masks as pictures: small PNG files, made without a plotting library so that they are instant."""

from __future__ import annotations

import io
import math

import numpy as np
import numpy.typing as npt
from PIL import Image
from plotly.colors import hex_to_rgb, sequential

from lth_engine.core.artifact import Array

Floats = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]

_LINE = np.array([125, 125, 125], dtype=np.uint8)


def input_counts(mask: Array, shape: tuple[int, int, int]) -> npt.NDArray[np.int64]:
    """Weights kept at each input pixel of a first fully connected layer.

    Args:
        mask: units x (C H W) booleans.
        shape: (C, H, W) of the images.

    Returns:
        H x W counts, summed over channels and units.
    """
    counts: npt.NDArray[np.int64] = np.asarray(mask, dtype=np.int64).sum(axis=0).reshape(shape).sum(axis=0)
    return counts


def input_picture(mask: Array, shape: tuple[int, int, int], side: int = 384) -> bytes:
    """:func:`input_counts` as PNG: dark is no weight, yellow the pixel with the most weights."""
    counts = input_counts(mask, shape)
    return png(_grown(colours(counts / max(1, int(counts.max()))), side))


def pooled(mask: Array, side: int = 512) -> Floats:
    """A matrix of booleans as fractions kept, mean-pooled so that neither side is above `side`.

    A convolution (O x I x k x k) is read as the matrix O x (I k k).
    """
    matrix = np.asarray(mask, dtype=np.float64).reshape(mask.shape[0], -1)
    for axis in (0, 1):
        factor = math.ceil(matrix.shape[axis] / side)
        if factor > 1:
            starts = np.arange(0, matrix.shape[axis], factor)
            sizes = np.diff(np.append(starts, matrix.shape[axis]))
            matrix = np.add.reduceat(matrix, starts, axis=axis) / np.expand_dims(sizes, 1 - axis)
    return matrix


def matrix_picture(mask: Array, side: int = 512) -> bytes:
    """:func:`pooled` as PNG: one pixel a weight (or a block of weights), yellow where all are kept."""
    return png(_grown(colours(pooled(mask, side)), 384))


def kernel_picture(mask: Array, most: int = 24, side: int = 480) -> bytes:
    """The kernels of a convolution as tiles, as PNG: a row an output channel, a column an input
    channel, a square a weight; at most `most` rows and columns are shown.

    Args:
        mask: O x I x k x k booleans.
        most: rows and columns shown at most.
        side: least side of the picture in pixels.
    """
    shown = np.asarray(mask)[:most, :most]
    rows, columns, height, width = shown.shape
    canvas = np.broadcast_to(_LINE, (rows * (height + 1) + 1, columns * (width + 1) + 1, 3)).copy()
    for r in range(rows):
        for c in range(columns):
            top, left = 1 + r * (height + 1), 1 + c * (width + 1)
            canvas[top:top + height, left:left + width] = colours(shown[r, c].astype(np.float64))
    return png(_grown(canvas, side))


def colours(values: Floats) -> Pixels:
    """Fractions in [0, 1] as RGB of the Cividis scale, which reads the same for the colour-blind."""
    anchors = np.array([hex_to_rgb(c) for c in sequential.Cividis], dtype=np.float64)
    places = np.linspace(0, 1, len(anchors))
    channels = [np.interp(values, places, anchors[:, c]) for c in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def png(pixels: Pixels) -> bytes:
    """H x W x 3 bytes as a PNG file."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG", optimize=False)
    return out.getvalue()


def _grown(pixels: Pixels, side: int) -> Pixels:
    """Whole-number enlargement, so that one weight is one sharp square, until the longer side is about `side`."""
    factor = max(1, side // max(pixels.shape[:2]))
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)
