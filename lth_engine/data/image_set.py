"""The image set that a data spec asks for: training, validation and test images as uint8 tensors, or as files."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput
from lth_engine.data.held import hold
from lth_engine.data.listed import IMAGENET_MEAN, IMAGENET_STD, Listed
from lth_engine.data.raw import Raw, Report, silent
from lth_engine.data.split import cut
from lth_engine.data.streamed_set import StreamedSet
from lth_engine.specs.data import DataSpec
from lth_engine.specs.normalising import NORMALISATIONS, OWN

Statistics = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and deviation of each channel, pixels in [0, 1]."""

_CHUNK_BYTES = 1 << 24
"""Pixels that are summed at a time."""


@dataclass(frozen=True)
class ImageSet:
    """Images with labels, on the CPU.

    Attributes:
        train_x, validation_x, test_x: torch.uint8, N x C x H x W. The validation part is cut from the
            training images (it is empty if its fraction is 0) and never from the test images.
        train_y, validation_y, test_y: torch.int64, N, index into `classes`.
        classes: names.
        mean, std: what each channel is normalised with, pixels in [0, 1]: those over the training part (the std of a
            constant channel is given as 1, so that dividing by it is safe), or usual constants.
    """

    train_x: torch.Tensor
    train_y: torch.Tensor
    validation_x: torch.Tensor
    validation_y: torch.Tensor
    test_x: torch.Tensor
    test_y: torch.Tensor
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def channels(self) -> int:
        """1 (gray) or 3 (colour)."""
        return self.train_x.shape[1]

    @property
    def height(self) -> int:
        """Pixels."""
        return self.train_x.shape[2]

    @property
    def width(self) -> int:
        """Pixels."""
        return self.train_x.shape[3]

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)


def load(spec: DataSpec, data_root: Path, report: Report = silent) -> ImageSet | StreamedSet:
    """The images of `spec`, read by the module of its name.

    Args:
        spec: which images, and how to cut them.
        data_root: folder of data sets; decoded images are kept below it.
        report: told in words what takes time; may raise Cancelled.

    Returns:
        a StreamedSet if `spec.streamed`, else an ImageSet.

    Raises:
        MissingData: the set is neither on the disk nor within reach.
        BadInput: the images cannot be used as they are; the text says which and what to do.
    """
    raw = _read(spec, data_root, report)
    train, validation, test = _parts(raw, spec)
    if isinstance(raw, Listed):
        files, tested = hold((raw.train, raw.test), spec.name, data_root, report)
        return StreamedSet(
            files.take(train), _tensor(raw.train_y[train]), files.take(validation), _tensor(raw.train_y[validation]),
            tested, _tensor(raw.test_y), raw.classes, *normalisation(spec, 3, lambda: (IMAGENET_MEAN, IMAGENET_STD)),
            spec.size)
    test_x, test_y = (raw.train_x[test], raw.train_y[test]) if raw.test_x is None else (raw.test_x, raw.test_y)
    train_x = raw.train_x[train]
    mean, std = normalisation(spec, train_x.shape[1], lambda: channel_statistics(train_x))
    return ImageSet(
        _tensor(train_x), _tensor(raw.train_y[train]),
        _tensor(raw.train_x[validation]), _tensor(raw.train_y[validation]),
        _tensor(test_x), _tensor(test_y), raw.classes, mean, std)


@dataclass(frozen=True)
class Labels:
    """What the images of a set show: int64, index into `classes`."""

    train: Array
    validation: Array
    test: Array
    classes: tuple[str, ...]


def labels(spec: DataSpec, data_root: Path, report: Report = silent) -> Labels:
    """The labels of the parts that :func:`load` gives, in the same order.

    No image is decoded if the set is streamed or was decoded before. Raises as :func:`load` does.
    """
    raw = _read(spec, data_root, report)
    train, validation, test = _parts(raw, spec)
    tested = raw.train_y[test] if raw.test_y is None else np.array(raw.test_y)
    return Labels(raw.train_y[train], raw.train_y[validation], tested, raw.classes)


def _read(spec: DataSpec, data_root: Path, report: Report) -> Raw | Listed:
    found: Raw | Listed = importlib.import_module(f"{spec.package}.{spec.name}").read(spec, data_root, report)
    _require_enough(found, spec)
    return found


def _parts(raw: Raw | Listed, spec: DataSpec) -> tuple[Array, Array, Array]:
    """Indices into the training images of what is trained on, validated on, and (without a test part) tested on."""
    rest, test = np.arange(len(raw.train_y)), np.arange(0)
    if raw.test_y is None:
        rest, test = cut(raw.train_y, spec.test_fraction, spec.split_seed, "test")
    train, validation = cut(raw.train_y[rest], spec.validation_fraction, spec.split_seed, "validation")
    return rest[train], rest[validation], test


def normalisation(spec: DataSpec, channels: int, own: Callable[[], Statistics]) -> Statistics:
    """Mean and deviation of each channel that a set is normalised with.

    Raises:
        BadInput: the constants that are asked for belong to images of other channels.
    """
    if spec.normalise == OWN:
        return own()
    constants = NORMALISATIONS[spec.normalise]
    if not constants.fits(channels):
        raise BadInput(f"{spec.name}.normalise {spec.normalise} is for images of {len(constants.mean)} channels. "
                       f"These have {channels}: choose own, unit, signed or bytes.")
    return constants.of(channels)


def channel_statistics(x: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and population standard deviation of each channel, pixels in [0, 1], from exact integer sums.

    Args:
        x: uint8, N x C x H x W, at least one image.
    """
    channels, pixels = x.shape[1], x.shape[2] * x.shape[3]
    sums, squares = [0] * channels, [0] * channels
    step = max(1, _CHUNK_BYTES // (channels * pixels))
    for start in range(0, len(x), step):
        chunk = x[start:start + step]
        for channel in range(channels):
            counts = np.bincount(chunk[:, channel].ravel(), minlength=256).tolist()
            sums[channel] += sum(value * count for value, count in enumerate(counts))
            squares[channel] += sum(value * value * count for value, count in enumerate(counts))
    n = len(x) * pixels
    mean = tuple(s / n / 255 for s in sums)
    std = tuple((n * q - s * s) ** 0.5 / n / 255 or 1.0 for s, q in zip(sums, squares, strict=True))
    return mean, std


def _require_enough(raw: Raw | Listed, spec: DataSpec) -> None:
    if len(raw.classes) < 2:
        only = f"only {raw.classes[0]!r}" if raw.classes else "none"
        raise BadInput(f"{spec.name} needs at least two classes to tell apart. Got {only}; add another class.")
    parts = ["training"] + ["validation"] * (spec.validation_fraction > 0) + ["test"] * (raw.test_y is None)
    for label, count in enumerate(np.bincount(raw.train_y, minlength=len(raw.classes)).tolist()):
        if count < len(parts):
            raise BadInput(
                f"Class {raw.classes[label]!r} of {spec.name} has {count} image{'s' * (count != 1)} to share among "
                f"{' and '.join(parts)}: add images until it has at least {len(parts)}, or remove the class.")


def _tensor(array: Array) -> torch.Tensor:
    """A tensor with memory of its own: the array may be a read-only map of a file."""
    return torch.from_numpy(np.array(array))
