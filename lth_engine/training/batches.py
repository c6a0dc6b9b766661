"""Batches of images that stay on the device as uint8: order, mirror and shift drawn by epoch from one seed.

Epoch e of a run depends on (order_seed, level, e) alone, so a run that was stopped in the middle of an epoch continues
with exactly the images, mirrors and shifts that it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F

from lth_engine.core.errors import BadInput
from lth_engine.core.seeds import derive
from lth_engine.specs.training import Training
from lth_engine.training.chosen import chosen
from lth_engine.training.resized_crop import boxes, resized
from lth_engine.training.streamed import Batch, StreamedImages

EVALUATED = 1000
"""Images in an evaluation step at most: small enough for activations in cache."""

EVALUATED_PIXELS = EVALUATED * 32 * 32
"""Their pixels at most: all of them of CIFAR's size, 250 of twice its side."""


class Images:
    """Images on the device, N x H x W x C uint8, and the way to turn them into network inputs.

    The channel is stored last: a gathered batch is then in torch's channels_last layout at no cost.
    """

    def __init__(self, x: torch.Tensor, y: torch.Tensor, mean: tuple[float, ...], std: tuple[float, ...],
                 device: str) -> None:
        self.x = x.permute(0, 2, 3, 1).contiguous().to(device)
        self.y = y.to(device)
        self.mean = 255.0 * torch.tensor(mean, device=device)
        self.inverse = 1.0 / (255.0 * torch.tensor(std, device=device))

    def __len__(self) -> int:
        return len(self.y)

    @property
    def evaluation_batch(self) -> int:
        """Images in an evaluation step: large enough to fill the machine, and of large images so few that evaluation
        does not take more memory than training."""
        return max(1, min(EVALUATED, EVALUATED_PIXELS // (self.x.shape[1] * self.x.shape[2])))

    @property
    def x_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        _, height, width, channels = self.x.shape
        return channels, height, width

    def normalise(self, x: torch.Tensor) -> torch.Tensor:
        """B x H x W x C uint8 -> B x C x H x W float32 with mean 0 and deviation 1 over the training images."""
        return x.to(torch.float32).sub_(self.mean).mul_(self.inverse).permute(0, 3, 1, 2)

    def in_parts(self, parts: Sequence[torch.Tensor]) -> Iterator[Batch]:
        """A batch for each of `parts`, the indices of its images, without augmentation."""
        for part in parts:
            here = part.to(self.y.device)
            yield self.normalise(self.x.index_select(0, here)), self.y.index_select(0, here)

    def in_order(self) -> Iterator[Batch]:
        """All images in stored order, without augmentation."""
        for start in range(0, len(self), self.evaluation_batch):
            stop = start + self.evaluation_batch
            yield self.normalise(self.x[start:stop]), self.y[start:stop]


class Batches:
    """The training batches of one run.

    Raises:
        BadInput: the batch is larger than the set.
    """

    def __init__(self, images: Images | StreamedImages, training: Training, order_seed: int, level: int) -> None:
        self.images = images
        self.training = training
        self.order_seed = order_seed
        self.level = level
        self.index, self.labels = chosen(images.y, training)
        self.count = len(images) if self.index is None else len(self.index)
        if training.batch_size > self.count:
            raise BadInput(f"training.batch_size must be at most the {self.count} training images. "
                           f"Got {training.batch_size}. Lower it to {self.count}.")
        self.steps_per_epoch = -(-self.count // training.batch_size)

    @property
    def last(self) -> int:
        """Images in the last batch of an epoch."""
        return self.count - (self.steps_per_epoch - 1) * self.training.batch_size

    def alphas(self, epoch: int) -> torch.Tensor:
        """The interpolation factor of each step of an epoch, U(0, 1) (see `norm_interpolation`)."""
        draw = torch.Generator().manual_seed(derive(self.order_seed, "alpha", self.level, epoch))
        return torch.rand(self.steps_per_epoch, generator=draw)

    def draw_seed(self, step: int) -> int:
        """Seed of what the network itself draws (dropout) in an optimizer step, counted from the start of training."""
        return derive(self.order_seed, "network", self.level, step)

    def order(self, epoch: int) -> tuple[torch.Tensor, torch.Generator]:
        """The order of an epoch, N places among the images that are used, on the CPU; and the stream that what else
        the epoch draws comes from."""
        draw = torch.Generator().manual_seed(derive(self.order_seed, "order", self.level, epoch))
        return torch.randperm(self.count, generator=draw), draw

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """The batches of one epoch from its step `first_step` on; the last one may be smaller."""
        count, pad, device = self.count, self.training.crop, self.labels.device
        order, draw = self.order(epoch)
        order = order.to(device)
        order = order if self.index is None else self.index[order]
        mirror = torch.rand(count, generator=draw).lt(0.5).to(device) if self.training.flip else None
        shift = torch.randint(0, 2 * pad + 1, (2, count), generator=draw).to(device) if pad else None
        if isinstance(self.images, StreamedImages):
            return self.images.epoch_batches(
                order, self.training.batch_size, first_step=first_step, mirror=mirror, shift=shift, pad=pad,
                resized_crop=self.training.resized_crop, labels=self.labels, epoch=epoch,
                seed=derive(self.order_seed, "crop", self.level))
        box = boxes(count, *self.images.x_shape[1:], draw).to(device) if self.training.resized_crop else None
        return self._gathered(self.images, first_step, order, mirror, shift, box)

    def _gathered(self, images: Images, first_step: int, order: torch.Tensor, mirror: torch.Tensor | None,
                  shift: torch.Tensor | None, box: torch.Tensor | None) -> Iterator[Batch]:
        """Batches of images that are on the device, from what was drawn for each place of the epoch."""
        size = self.training.batch_size
        for start in range(first_step * size, self.count, size):
            here = slice(start, start + size)
            x = images.x.index_select(0, order[here])
            if shift is not None:
                x = shifted(x, shift[0, here], shift[1, here], self.training.crop)
            if mirror is not None:
                x = torch.where(mirror[here, None, None, None], x.flip(2), x)
            x = images.normalise(x)
            yield x if box is None else resized(x, box[here]), self.labels.index_select(0, order[here])


def shifted(x: torch.Tensor, down: torch.Tensor, right: torch.Tensor, pad: int) -> torch.Tensor:
    """Cut H x W out of each image padded by `pad` black pixels, at its own offset (the usual random crop).

    Args:
        x: B x H x W x C.
        down: B row offsets in [0, 2 pad].
        right: B column offsets in [0, 2 pad].
        pad: pixels of padding on every side.
    """
    count, height, width, _ = x.shape
    padded = F.pad(x, (0, 0, pad, pad, pad, pad))
    windows = padded.unfold(1, height, 1).unfold(2, width, 1)  # B x (2p+1) x (2p+1) x C x H x W
    cut = windows[torch.arange(count, device=x.device), down, right]  # B x C x H x W
    return cut.permute(0, 2, 3, 1)
