"""The published file formats that tests write: IDX, pickled batches, JPEG, zip; and how a file is damaged."""

from __future__ import annotations

import hashlib
import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Patch = pytest.MonkeyPatch


def place(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def flip(path: Path) -> None:
    """Change one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def jpeg(colour: tuple[int, int, int] | int, width: int, height: int) -> bytes:
    """A picture of one colour with a light upper left corner; gray if the colour is a number."""
    image = Image.new("L" if isinstance(colour, int) else "RGB", (width, height), colour)
    image.paste(255 if isinstance(colour, int) else (255, 255, 255), (0, 0, width // 4, height // 4))
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=95)
    return packed.getvalue()


def idx(array: np.ndarray) -> bytes:
    """The IDX format: type 8 (unsigned byte), number of dimensions, big-endian sizes, values."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def idx_files(seed: int = 0) -> tuple[dict[str, bytes], dict[str, np.ndarray]]:
    random, files, arrays = np.random.default_rng(seed), {}, {}
    for part, count in {"train": 40, "t10k": 20}.items():
        arrays[part] = random.integers(0, 256, (count, 28, 28), np.uint8)
        files[f"{part}-images-idx3-ubyte"] = idx(arrays[part])
        files[f"{part}-labels-idx1-ubyte"] = idx((np.arange(count) % 10).astype(np.uint8))
    return files, arrays


def cifar_batches(names: list[str], label: str, classes: int) -> tuple[dict[str, bytes], dict[str, np.ndarray]]:
    """Python batches as published: rows of 1,024 red, 1,024 green, 1,024 blue values."""
    random, files, rows = np.random.default_rng(1), {}, {}
    for name in names:
        rows[name] = random.integers(0, 256, (2 * classes, 3072), np.uint8)
        files[name] = pickle.dumps({"data": rows[name], label: [i % classes for i in range(2 * classes)]}, protocol=2)
    return files, rows


def publish(loader: type, files: dict[str, bytes], patch: Patch) -> None:
    """Make torchvision take these files for the published ones: their checksums instead of the official."""
    def sums(entries: list[list[str]]) -> list[list[str]]:
        return [[name, md5(files[name])] for name, _ in entries]

    patch.setattr(loader, "train_list", sums(loader.train_list))
    patch.setattr(loader, "test_list", sums(loader.test_list))
    patch.setattr(loader, "meta", {**loader.meta, "md5": md5(files[loader.meta["filename"]])})


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()
