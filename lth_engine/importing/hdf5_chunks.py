"""Compressed chunks of HDF5, unpacked once with a limit before HDF5 unpacks them without one.

HDF5's deflate filter grows its buffer until the stream ends, whatever size the chunk has (seen with HDF5 2.0: a
dataset of 4 KB took 400 MB), and filters can be stacked. So a filter may stand once only, and every deflated chunk
must unpack to no more than the chunk holds.
"""

from __future__ import annotations

import zlib
from math import prod
from typing import Any

from h5py import h5d, h5z

from lth_engine.core import sizes
from lth_engine.core.errors import FileRefused, FileUnreadable

FILTERS = {h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32}
"""Filters that are read: gzip, shuffle, checksums."""

MOST_CHUNK = 256_000_000
"""Bytes of a chunk."""


def check_chunks(path: str, dataset: Any) -> None:
    """Refuse a dataset whose filters or chunks would cost more than what it holds.

    Raises:
        FileRefused: unknown or repeated filters, large chunks, or chunks that unpack to more than they are.
        FileUnreadable: a chunk that does not unpack.
    """
    plist = dataset.get_create_plist()
    filters = [plist.get_filter(index)[0] for index in range(plist.get_nfilters())]
    for number in filters:
        if number not in FILTERS:
            raise FileRefused(f"Refused: dataset `/{path}` needs the filter {number}. Save it plain or with gzip.")
    if len(set(filters)) < len(filters):
        raise FileRefused(f"Refused: dataset `/{path}` is packed twice over. Save it plain or with gzip.")
    if plist.get_layout() != h5d.CHUNKED:
        return
    size = prod(int(n) for n in plist.get_chunk()) * dataset.get_type().get_size()
    if size > MOST_CHUNK:
        raise FileRefused(f"Refused: dataset `/{path}` has chunks of {sizes.size(size)}; at most "
                          f"{sizes.size(MOST_CHUNK)} are read. Save it with smaller chunks.")
    if h5z.FILTER_DEFLATE in filters:
        _unpack(path, dataset, size, 1 << filters.index(h5z.FILTER_DEFLATE))


def _unpack(path: str, dataset: Any, size: int, skipped: int) -> None:
    """Unpack every chunk, `size` bytes at most; `skipped` is the bit of chunks that are not packed."""
    offsets: list[Any] = []
    dataset.chunk_iter(lambda info: offsets.append(info.chunk_offset) if not info.filter_mask & skipped else None)
    for offset in offsets:
        _, raw = dataset.read_direct_chunk(offset)
        try:
            unpacked = zlib.decompressobj().decompress(raw, size + 1)
        except zlib.error:
            raise FileUnreadable(f"The file is damaged: dataset `/{path}` does not unpack. Copy it again.") from None
        if len(unpacked) > size:
            raise FileRefused(f"Refused: a chunk of dataset `/{path}` unpacks to more than the {sizes.size(size)} "
                              "that it holds.")
