"""BATCH.npz: images and labels that somebody brings to a network of their own, as that network wants them.

`x` is uint8 (N x H x W x C or N x C x H x W) with `mean` and `std`, one number a channel, of images in [0, 1]; or
floating, N x C x H x W, and then shown as it is. `y` holds one class an image, from 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput
from lth_engine.data.npz_file import npz_arrays

HOW = "save it with numpy.savez(path, x=images, y=labels, mean=mean, std=std)"

EVALUATION_BATCH = 1000
"""Images shown at a time, as everywhere in the lab, unless they are large."""

PIXELS = EVALUATION_BATCH * 64 * 64
"""Pixels shown at a time, at most: 81 images of 224 x 224."""

CHANNELS = (1, 2, 3, 4)
"""Channels that images may have."""


class Batch:
    """Images and labels on the CPU; a part of them is normalised when it is shown, so that no copy is held.

    Attributes:
        x: N x C x H x W, uint8 or float32.
        y: N, int64.
        mean, std: of each channel, for pixels in [0, 1]; None where x is shown as it is, or where nobody has said.
        where: the file, for messages.
    """

    def __init__(self, x: torch.Tensor, y: torch.Tensor, mean: Array | None, std: Array | None, where: str) -> None:
        self.x, self.y, self.mean, self.std, self.where = x, y, mean, std, where
        self.evaluation_batch = max(1, min(EVALUATION_BATCH, PIXELS // (x.shape[2] * x.shape[3])))

    def __len__(self) -> int:
        return len(self.y)

    @property
    def x_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        _, channels, height, width = self.x.shape
        return channels, height, width

    @property
    def raw(self) -> bool:
        """Whether these are bytes of which nobody has said how they are normalised."""
        return self.mean is None and self.x.dtype == torch.uint8

    def normalised(self, x: torch.Tensor) -> torch.Tensor:
        """Some of the images as the network wants them, float32: (x / 255 - mean) / std."""
        if self.mean is None or self.std is None:
            return x.float()
        mean, std = (torch.from_numpy(value).view(-1, 1, 1) for value in (self.mean, self.std))
        return ((x.double() / 255 - mean) / std).float()

    @property
    def parts(self) -> tuple[torch.Tensor, ...]:
        """The places of the images that :meth:`in_order` shows at a time."""
        return torch.arange(len(self)).split(self.evaluation_batch)

    def in_parts(self, parts: Sequence[torch.Tensor]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """A batch for each of `parts`, the places of its images."""
        for part in parts:
            yield self.normalised(self.x[part]), self.y[part]

    def in_order(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """All images in the order of the file, :attr:`evaluation_batch` at a time."""
        return self.in_parts(self.parts)

    def require(self, channels: int, height: int, width: int, classes: int, size_known: bool = True) -> None:
        """Refuse images that a network cannot be shown, or labels that it has no output for.

        Args:
            channels: of the network's input.
            height: likewise.
            width: likewise.
            classes: of its outputs.
            size_known: whether other sizes do not fit it.

        Raises:
            BadInput: the text says what differs.
        """
        found = self.x_shape
        if found[0] != channels:
            raise BadInput(f"The network takes images of {_many(channels, 'channel')}, but those of {self.where} have "
                           f"{found[0]}: give it such images.")
        if size_known and found[1:] != (height, width):
            raise BadInput(f"The network takes images of {height} x {width}, but those of {self.where} are "
                           f"{found[1]} x {found[2]}: resize them.")
        highest = int(self.y.max())
        if highest >= classes:
            raise BadInput(f"The network has {classes} classes, 0 to {classes - 1}, but y of {self.where} holds the "
                           f"label {highest}: number the labels as the network was trained.")


def read_batch(path: Path) -> Batch:
    """The images and labels of a BATCH.npz; nothing in the file is run.

    Raises:
        BadInput: it cannot be read, an array is missing or of another form, or a number is not finite.
    """
    return _batch(_arrays(path, ()), path, may_be_raw=False)


def read_parts(path: Path) -> tuple[Batch, Batch | None]:
    """The images of an .npz on which a network is judged, and those that it may be fitted to, where there are some.

    uint8 images without mean and std are as they are stored. Where the file has `x_test` and `y_test`, as the lab's
    own images may, those are judged on, and `x` and `y` are the others.

    Raises:
        BadInput: as :func:`read_batch`.
    """
    arrays = _arrays(path, ("x_test", "y_test"))
    tested = {"x": "x_test", "y": "y_test"}
    if len({"x_test", "y_test"} & arrays.keys()) == 1:
        raise BadInput(f"{path} has one of x_test and y_test: save both or neither.")
    first = _batch(arrays, path, may_be_raw=True)
    if not set(tested.values()) <= arrays.keys():
        return first, None
    return _batch(arrays | {name: arrays[other] for name, other in tested.items()}, path, may_be_raw=True), first


def _arrays(path: Path, more: tuple[str, ...]) -> dict[str, Array]:
    if not path.is_file():
        raise BadInput(f"There is no file {path}: name the .npz with your images, or {HOW}.")
    return npz_arrays(path, ("x", "y", "mean", "std", *more))


def _batch(arrays: dict[str, Array], path: Path, *, may_be_raw: bool) -> Batch:
    for name in ("x", "y"):
        if name not in arrays:
            raise BadInput(f"{path} has no array {name!r}: {HOW}.")
    x, said = arrays["x"], sorted({"mean", "std"} & arrays.keys())
    if x.dtype.kind == "f" and said:
        raise BadInput(f"x of {path} is floating, which is shown as it is, so that its {' and '.join(said)} would not "
                       "be used: leave them out, or give x as uint8.")
    if x.dtype.kind == "f":
        images, mean, std = _floating(x, path), None, None
    elif x.dtype == np.uint8 and may_be_raw and not said:
        images, mean, std = _bytes(x, np.zeros(1), np.ones(1), path)[0], None, None
    elif x.dtype == np.uint8:
        mean, std = (_by_channel(arrays, name, path) for name in ("mean", "std"))
        images, mean, std = _bytes(x, mean, std, path)
    else:
        raise BadInput(f"x of {path} must be uint8 (0 to 255) or float32 (as the network wants it). Got {x.dtype}; "
                       "convert it.")
    labels = _labels(arrays["y"], len(images), path)
    return Batch(torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(labels), mean, std, str(path))


def _floating(x: Array, path: Path) -> Array:
    if x.ndim != 4 or not x.size:
        raise BadInput(f"x of {path} must be N x C x H x W where it is floating. Got {_shape(x)}; reshape it.")
    if not np.isfinite(x).all():
        raise BadInput(f"x of {path} holds NaN or infinity: look at how the images were normalised.")
    return x.astype(np.float32, copy=False)


def _bytes(x: Array, mean: Array, std: Array, path: Path) -> tuple[Array, Array, Array]:
    """The images as N x C x H x W, with mean and std of as many channels."""
    x = x[:, None] if x.ndim == 3 else x
    sizes = {len(values) for values in (mean, std)} - {1}
    if len(sizes) > 1:
        raise BadInput(f"mean of {path} has {len(mean)} values and std {len(std)}: give both one a channel.")
    wanted = tuple(sizes) or CHANNELS
    if x.ndim != 4 or not x.size:
        raise BadInput(f"x of {path} must be N x H x W x C or N x C x H x W. Got {_shape(x)}; reshape it.")
    if x.shape[3] in wanted:  # where both fit, the channels are last
        x = x.transpose(0, 3, 1, 2)
    elif x.shape[1] not in wanted:
        raise BadInput(f"x of {path} must have {' or '.join(map(str, wanted))} channels, as mean and std do, first or "
                       f"last. Got {_shape(x)}.")
    channels = x.shape[1]
    return x, np.broadcast_to(mean, channels).copy(), np.broadcast_to(std, channels).copy()


def _by_channel(arrays: dict[str, Array], name: str, path: Path) -> Array:
    """`mean` or `std`, in float64."""
    if name not in arrays:
        raise BadInput(f"{path} has no array {name!r}, without which uint8 images cannot be normalised: give one "
                       "number a channel, for pixels in [0, 1].")
    values = np.atleast_1d(np.squeeze(arrays[name]))
    if values.ndim != 1 or values.dtype.kind not in "fiu" or not values.size or not np.isfinite(values).all():
        raise BadInput(f"{name} of {path} must be one finite number a channel. Got {_shape(arrays[name])} of "
                       f"{values.dtype}; {HOW}.")
    values = values.astype(np.float64)
    lowest, most = (0.0, 1.0) if name == "std" else (-1.0, 2.0)
    if (values < lowest).any() or (values > most).any() or (name == "std" and (values == 0).any()):
        raise BadInput(f"{name} of {path} is meant for pixels in [0, 1]. Got {', '.join(f'{v:g}' for v in values)}; "
                       "divide by 255 if it is meant for 0 to 255.")
    return values


def _labels(y: Array, images: int, path: Path) -> Array:
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise BadInput(f"y of {path} must be one row of whole numbers. Got {_shape(y)} of {y.dtype}; give the "
                       "class of each image.")
    if len(y) != images:
        raise BadInput(f"y of {path} must have a label for each of the {images:,} images. Got {len(y):,}; save "
                       "both of the same images.")
    if int(y.min()) < 0:
        raise BadInput(f"y of {path} must hold classes from 0. Got {int(y.min())}; number them from 0.")
    if int(y.max()) >= 2**31:
        raise BadInput(f"y of {path} must hold classes from 0. Got {int(y.max())}; number them from 0.")
    return y.astype(np.int64)


def _shape(x: Array) -> str:
    return " x ".join(map(str, x.shape)) or "one number"


def _many(count: int, word: str) -> str:
    return f"{count} {word}" + ("" if count == 1 else "s")
