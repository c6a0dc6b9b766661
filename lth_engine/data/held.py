"""Photographs decoded once, kept in one file and mapped from it: several times faster than decoding them each time.

A set is held where its pixels are at most a quarter of the free memory, so that the mapped file stays there. The
pixels are those of the files: whether a set is held changes no number.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.data.cache import alone, flush
from lth_engine.data.listed import Files
from lth_engine.data.raw import Report

SHARE = 0.25
"""Of the free memory that a held set may fill."""
_SAMPLE = 256
_BATCH = 64
_REPORT_SECONDS = 0.5


@dataclass(frozen=True)
class Held(Files):
    """Files whose pixels are in a store.

    Attributes:
        store: folder of the pixels.
        rows: number in the store of each file, N.
    """

    store: Path
    rows: Array

    def pixels(self, index: int) -> Array:
        """See :meth:`Files.pixels`; read-only."""
        pixels, starts, shapes = _mapped(self.store)
        row = self.rows[index]
        return pixels[starts[row]:starts[row + 1]].reshape(*shapes[row], 3)

    def take(self, indices: Array) -> Held:
        """The files of these indices."""
        return Held(self.folder, self.names[indices], self.store, self.rows[indices])


def hold(parts: tuple[Files, ...], name: str, data_root: Path, report: Report) -> tuple[Files, ...]:
    """The parts of a set, held if they fit; else as they are.

    Args:
        parts: files of the set.
        name: of the set.
        data_root: folder of data sets; the pixels are kept below it.
        report: told what takes time; may raise Cancelled.

    Raises:
        MissingData, BadInput: a file cannot be read or is no image.
    """
    folder = data_root / "cache" / f"{name}-decoded-{_identity(parts)}" if _fits(parts, data_root) else None
    if folder is None:
        return parts
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with alone(folder.with_suffix(".lock"), report):
            if not _is_whole(folder):
                _keep(parts, folder, report)
    except OSError as error:
        report(f"The decoded images cannot be kept in {folder.parent} ({error.strerror}); decoding them each time.")
        return parts
    ends = np.cumsum([len(part) for part in parts])
    return tuple(Held(part.folder, part.names, folder, np.arange(end - len(part), end))
                 for part, end in zip(parts, ends, strict=True))


def free_memory() -> int:
    """Bytes that programs can still have."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        text = Path("/proc/meminfo").read_text()
        return int(text.split("MemAvailable:")[1].split()[0]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _fits(parts: tuple[Files, ...], data_root: Path) -> bool:
    """Whether the pixels fill at most the share of the free memory, and half of the free disk; by a sample."""
    count = sum(len(part) for part in parts)
    sampled = [part.size(i) for part in parts for i in range(0, len(part), max(1, count // _SAMPLE))]
    wanted = count * sum(height * width * 3 for height, width in sampled) / max(1, len(sampled))
    return wanted <= SHARE * free_memory() and wanted <= shutil.disk_usage(data_root).free / 2


def _identity(parts: tuple[Files, ...]) -> str:
    """Changes with the names, sizes and times of the files."""
    total = hashlib.sha256()
    for part in parts:
        for index, name in enumerate(part.names):
            with contextlib.suppress(OSError):  # a file that is gone is told when it is decoded
                found = part.path(index).stat()
                total.update(b"%s\0%d\0%d\0" % (name, found.st_size, found.st_mtime_ns))
    return total.hexdigest()[:24]


def _is_whole(folder: Path) -> bool:
    try:
        pixels, starts, _ = _mapped(folder)
    except (OSError, ValueError, EOFError):
        return False
    return len(pixels) == starts[-1]


def _keep(parts: tuple[Files, ...], folder: Path, report: Report) -> None:
    _mapped.cache_clear()
    for left_over in folder.parent.glob(f"{folder.name}.part-*"):  # of a killed process: we hold the lock
        shutil.rmtree(left_over, ignore_errors=True)
    part_folder = Path(tempfile.mkdtemp(prefix=f"{folder.name}.part-", dir=folder.parent))
    try:
        shapes = []
        with (part_folder / "pixels.bin").open("wb") as file:
            for image in _decoded(parts, report):
                shapes.append(image.shape[:2])
                file.write(np.ascontiguousarray(image).data)
            flush(file)
        with (part_folder / "shapes.npy").open("wb") as file:
            np.save(file, np.array(shapes, np.int64).reshape(-1, 2), allow_pickle=False)
            flush(file)
        if folder.exists():
            shutil.rmtree(folder)
        part_folder.rename(folder)
    except BaseException:
        shutil.rmtree(part_folder, ignore_errors=True)
        raise


def _decoded(parts: tuple[Files, ...], report: Report) -> Iterator[Array]:
    """All pixels in order, a batch at a time by a thread for each processor."""
    files = [(part, i) for part in parts for i in range(len(part))]
    told = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(files), _BATCH):
            yield from pool.map(lambda asked: asked[0].pixels(asked[1]), files[start:start + _BATCH])
            if time.monotonic() - told > _REPORT_SECONDS:
                told = time.monotonic()
                report(f"Decoding images: {start:,} of {len(files):,}.")


@functools.lru_cache(maxsize=4)
def _mapped(folder: Path) -> tuple[Array, Array, Array]:
    """Pixels one after another, where each image starts (and the last one ends), and heights and widths."""
    shapes = np.load(folder / "shapes.npy", allow_pickle=False)
    starts = np.concatenate([[0], np.cumsum(3 * shapes.prod(axis=1))])
    return np.asarray(np.memmap(folder / "pixels.bin", np.uint8, "r")), starts, shapes
