"""Decoded images are kept once as plain .npy files, written whole or not at all, and mapped when read."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.data.raw import Raw, Report

FORMAT = "v1"
"""Raised when decoding changes, so that an old cache is not read."""

_PARTS = ("train_x", "train_y", "test_x", "test_y")


def cached(data_root: Path, name: str, decode: Callable[[], Raw], report: Report) -> Raw:
    """The images kept under DATA/cache/NAME-v1/, decoded and kept first if they are not there.

    One process decodes a set at a time; others wait for it and map what it wrote. A damaged folder
    is decoded anew. Where the folder cannot be written, the decoded images are returned unkept.

    Args:
        data_root: folder of data sets.
        name: says the source and all that changes its pixels; only letters, digits, "_" and "-".
        decode: reads the source.
        report: told what happens; may raise Cancelled, also while waiting for another process.
    """
    folder = data_root / "cache" / f"{name}-{FORMAT}"
    found = _read(folder, report)
    if found is not None:
        return found
    with contextlib.ExitStack() as stack:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(alone(folder.with_suffix(".lock"), report))
        except OSError as error:
            report(f"The decoded images cannot be kept in {folder.parent} ({error.strerror}); decoding them again.")
            return decode()
        return _read(folder, report) or _keep(folder, decode(), report)



def _read(folder: Path, report: Report) -> Raw | None:
    if not folder.exists():
        return None
    try:
        meta = json.loads((folder / "meta.json").read_text())
        arrays = {part: np.load(folder / f"{part}.npy", mmap_mode="r", allow_pickle=False) for part in meta["shapes"]}
        if any(list(arrays[part].shape) != shape for part, shape in meta["shapes"].items()):
            raise ValueError("a shape differs")
        return Raw(classes=tuple(meta["classes"]), **{part: arrays.get(part) for part in _PARTS})
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        report(f"The kept images in {folder} are damaged ({error}); decoding them again.")
        return None


def _keep(folder: Path, raw: Raw, report: Report) -> Raw:
    arrays = {part: getattr(raw, part) for part in _PARTS if getattr(raw, part) is not None}
    meta = {"classes": list(raw.classes), "shapes": {part: list(a.shape) for part, a in arrays.items()}}
    for left_over in folder.parent.glob(f"{folder.name}.part-*"):  # of a killed process: we hold the lock
        shutil.rmtree(left_over, ignore_errors=True)
    part_folder = Path(tempfile.mkdtemp(prefix=f"{folder.name}.part-", dir=folder.parent))
    try:
        for part, array in arrays.items():
            _write(part_folder / f"{part}.npy", array)
        with (part_folder / "meta.json").open("w") as file:
            json.dump(meta, file)
            flush(file)
        if folder.exists():
            shutil.rmtree(folder)
        part_folder.rename(folder)
    except OSError as error:
        shutil.rmtree(part_folder, ignore_errors=True)
        report(f"The decoded images could not be kept in {folder.parent} ({error.strerror}).")
        return raw
    return _read(folder, report) or raw


def _write(path: Path, array: Array) -> None:
    with path.open("wb") as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)
        flush(file)


def flush(file: IO[Any]) -> None:
    """Wait until the disk has it, so that a power cut after the rename finds the content."""
    file.flush()
    os.fsync(file.fileno())


@contextlib.contextmanager
def alone(path: Path, report: Report) -> Iterator[None]:
    """Hold the kernel lock of `path`, which ends with the process that holds it."""
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                report("Waiting for another process that decodes the same images.")
                time.sleep(0.2)
        yield
