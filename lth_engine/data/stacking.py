"""Many images become one array: decoded by a thread for each processor, all of one size and colour."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput
from lth_engine.data.image_source import MAX_BYTES
from lth_engine.data.raw import Report

_BATCH = 64
_REPORT_SECONDS = 0.5


def stack(names: Sequence[str], pixels: Callable[[str], Array], report: Report) -> Array:
    """All images, N x C x H x W.

    One colour image makes all of them colour: a gray pixel becomes three equal ones.

    Args:
        names: what to decode, in this order.
        pixels: name -> uint8, H x W or H x W x 3; called from several threads.
        report: told how many are done; may raise Cancelled.

    Raises:
        BadInput: two sizes, or more bytes than fit into memory; or what `pixels` raises.
    """
    images = _decode_all(names, pixels, report)
    colour = any(image.ndim == 3 for image in images)
    height, width = images[0].shape[:2]
    _check_bytes(len(images), height * width * (3 if colour else 1))
    found = np.empty((len(images), 3 if colour else 1, height, width), np.uint8)
    for i in range(len(images)):
        found[i] = images[i].transpose(2, 0, 1) if images[i].ndim == 3 else images[i]
        images[i] = images[0][:0]  # its memory is free again, so that the set is held about once
    return found


def _decode_all(names: Sequence[str], pixels: Callable[[str], Array], report: Report) -> list[Array]:
    batches = [names[start:start + _BATCH] for start in range(0, len(names), _BATCH)]
    images: list[Array] = []
    told = time.monotonic()
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        for batch, decoded in zip(batches, pool.map(lambda b: [pixels(name) for name in b], batches), strict=True):
            for name, image in zip(batch, decoded, strict=True):
                _check_size(names[0], (images or decoded)[0], name, image)
            images += decoded
            _check_bytes(len(images), images[0].size)
            if time.monotonic() - told > _REPORT_SECONDS:
                told = time.monotonic()
                report(f"Decoding images: {len(images):,} of {len(names):,}.")
    finally:
        pool.shutdown(cancel_futures=True)
    return images


def _check_size(first: str, expected: Array, name: str, image: Array) -> None:
    if image.shape[:2] != expected.shape[:2]:
        one, two = (f"{a.shape[1]} x {a.shape[0]}" for a in (expected, image))
        raise BadInput(f"The images have different sizes ({first} has {one} pixels, {name} has {two}): set "
                       "own_images.size to the side in pixels that all are resized to.")


def _check_bytes(count: int, bytes_each: int) -> None:
    if count * bytes_each > MAX_BYTES:
        raise BadInput(f"The decoded images need more than the {MAX_BYTES:,} bytes allowed ({count:,} of them have "
                       f"{count * bytes_each:,}): set own_images.size to a smaller side or bring fewer images.")
