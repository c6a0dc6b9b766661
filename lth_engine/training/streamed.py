"""Images that do not fit into memory: decoded, cut and resized by worker processes while the network trains.

What is made of image i in epoch e depends on (seed, e, i) alone, so the batches are the same for any number of
workers and after a resume in the middle of an epoch.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler

from lth_engine.core.errors import LotteryError
from lth_engine.core.seeds import derive
from lth_engine.data.listed import Files
from lth_engine.training.views import View, Views

Batch = tuple[torch.Tensor, torch.Tensor]

MOST_WORKERS = 16
_PREFETCH = 2
"""Batches that each worker makes ahead."""


EVALUATED = 256
"""Images in an evaluation step at most."""

EVALUATED_PIXELS = EVALUATED * 224 * 224
"""Their pixels at most: all of them of ImageNet's usual size, fewer of larger images."""


class StreamedImages:
    """Photographs in files, and the way to turn them into network inputs; labels are on the device.

    Args:
        files: N photographs of any size.
        y: N labels, int64.
        size: side in pixels of what the network sees.
        mean, std: of each channel, pixels in [0, 1].
        device: where batches are wanted.
        workers: processes that decode; 0 decodes in this one. None takes them by the free cores.
    """

    def __init__(self, files: Files, y: torch.Tensor, size: int, mean: tuple[float, ...], std: tuple[float, ...],
                 device: str, workers: int | None = None) -> None:
        self.files = files
        self.y = y.to(device)
        self.device = self.y.device
        self.size = size
        self.mean = 255.0 * torch.tensor(mean, device=device)
        self.inverse = 1.0 / (255.0 * torch.tensor(std, device=device))
        self.workers = _workers(self.device) if workers is None else workers
        self._plan = _Plan(iter(()))
        self._loader: DataLoader[torch.Tensor] | None = None
        self._busy = False

    def __len__(self) -> int:
        return len(self.y)

    @property
    def evaluation_batch(self) -> int:
        """Images in an evaluation step."""
        return max(1, min(EVALUATED, EVALUATED_PIXELS // self.size**2))

    @property
    def x_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image as the network sees it."""
        return 3, self.size, self.size

    def normalise(self, x: torch.Tensor) -> torch.Tensor:
        """B x H x W x C uint8 -> B x C x H x W float32 in channels_last layout, less the mean, by the deviation."""
        return x.to(torch.float32).sub_(self.mean).mul_(self.inverse).permute(0, 3, 1, 2)

    def in_order(self) -> Iterator[Batch]:
        """All images in stored order without augmentation: the shorter side 256/224 of `size`, then the middle.

        Raises:
            LotteryError: a file is damaged, or a worker was killed.
        """
        return self.in_parts(torch.arange(len(self)).split(self.evaluation_batch) if len(self) else ())

    def in_parts(self, parts: Sequence[torch.Tensor]) -> Iterator[Batch]:
        """A batch for each of `parts`, the indices of its images, seen as in :meth:`in_order`. Raises as it does."""
        # Fetched from the device at once: later each fetch would wait for what the network is doing by then.
        places = torch.cat(list(parts)).cpu().split([len(part) for part in parts]) if parts else ()
        plan = _Plan([View(i) for i in part.tolist()] for part in places)
        for part, x in zip(parts, self._made(self._new_loader(plan, persistent=False)), strict=True):
            yield self.normalise(x), self.y.index_select(0, part.to(self.device))

    def epoch_batches(self, order: torch.Tensor, batch_size: int, *, first_step: int = 0,
                      mirror: torch.Tensor | None = None, resized_crop: bool = False,
                      shift: torch.Tensor | None = None, pad: int = 0, seed: int = 0, epoch: int = 0,
                      labels: torch.Tensor | None = None) -> Iterator[Batch]:
        """The batches of one epoch from its step `first_step` on; the last one may be smaller.

        Its workers stay for the next one. An epoch that begins while another one is under way has workers of its own.

        Args:
            order: int64, the indices of the images as they are shown.
            batch_size: images in a batch.
            first_step: batches that are passed over.
            mirror: bool, for each place in `order` whether that image is mirrored left to right.
            resized_crop: cut a random part of 8% to 100% of the area with sides 3:4 to 4:3 and resize it, as
                torchvision's RandomResizedCrop does; otherwise the evaluation's view.
            shift: int64, 2 x len(order), row and column offsets in [0, 2 pad] of the usual random crop.
            pad: black pixels around the image that `shift` cuts from.
            seed: what the random part depends on, beside the epoch and the image.
            epoch: number of the epoch.
            labels: N labels on the device in the place of `y` (label noise).

        Raises:
            LotteryError: a file is damaged, or a worker was killed.
        """
        starts = range(first_step * batch_size, len(order), batch_size)
        here = order.to(self.device)
        given = self.y if labels is None else labels
        plan = _views(starts, batch_size, order, mirror, None if shift is None else shift - pad,
                      (seed, epoch) if resized_crop else None)
        with self._training_loader(plan) as loader:
            for start, x in zip(starts, self._made(loader), strict=True):
                yield self.normalise(x), given.index_select(0, here[start:start + batch_size])

    def close(self) -> None:
        """End the workers now, whoever still holds what they made; they start again when they are needed."""
        made, self._loader = getattr(self._loader, "_iterator", None), None
        if made is not None and self.workers:
            made._shutdown_workers()

    @contextlib.contextmanager
    def _training_loader(self, plan: Iterator[list[View]]) -> Iterator[DataLoader[torch.Tensor]]:
        """The loader that stays, told what to make next; another one while it is in use."""
        if self._busy:
            yield self._new_loader(_Plan(plan), persistent=False)
            return
        self._busy = True
        try:
            self._plan.views = plan
            if self._loader is None:
                self._loader = self._new_loader(self._plan, persistent=True)
            yield self._loader
        finally:
            self._busy = False

    def _new_loader(self, plan: _Plan, *, persistent: bool) -> DataLoader[torch.Tensor]:
        many: dict[str, Any] = {
            "multiprocessing_context": _context(), "prefetch_factor": _PREFETCH, "persistent_workers": persistent,
            "worker_init_fn": _end_with_the_trainer} if self.workers else {}
        return DataLoader(Views(self.files, self.size), batch_sampler=plan, num_workers=self.workers,
                          collate_fn=_same, pin_memory=self.device.type == "cuda",
                          generator=torch.Generator(), **many)  # its own: the global one stays where it is

    def _made(self, loader: DataLoader[torch.Tensor]) -> Iterator[torch.Tensor]:
        """What the workers make, on the device."""
        made = iter(loader)
        while (x := self._next(made)) is not None:
            if isinstance(x, LotteryError):
                raise type(x)(*x.args)  # x itself and this frame would be a cycle that keeps the workers
            yield x.to(self.device, non_blocking=True)

    def _next(self, made: Iterator[Any]) -> Any:
        """What the workers make next, None at the end; when one was killed the others are let go."""
        try:
            return next(made, None)
        except (RuntimeError, OSError, EOFError) as error:  # torch's own sentence, or the pipe of the dead worker
            if isinstance(error, RuntimeError) and "DataLoader worker" not in str(error):
                raise
            self.close()
            raise LotteryError(
                "A process that decodes images was killed, most likely for lack of memory or of shared memory "
                "(/dev/shm): free some, ask for a smaller batch, and ask again; what is done is kept.") from error


class _Plan(Sampler[list[View]]):
    """Which views make up the next batches."""

    def __init__(self, views: Iterator[list[View]]) -> None:
        self.views = views

    def __iter__(self) -> Iterator[list[View]]:
        return self.views


def _views(starts: range, size: int, order: torch.Tensor, mirror: torch.Tensor | None, moves: torch.Tensor | None,
           draw: tuple[int, int] | None) -> Iterator[list[View]]:
    """What each batch shows; see :meth:`StreamedImages.epoch_batches`. All is fetched from the device once.

    Args:
        starts: place in `order` of the first image of each batch.
        size: images in a batch.
        order: indices of the images.
        mirror: for each place, or None.
        moves: 2 x places, pixels down and right, or None.
        draw: seed and epoch of random parts, or None for the middle.
    """
    order, mirror, moves = (None if found is None else found.cpu() for found in (order, mirror, moves))
    for start in starts:
        part = slice(start, start + size)
        images = order[part].tolist()
        mirrors = [False] * len(images) if mirror is None else mirror[part].tolist()
        moved = [(0, 0)] * len(images) if moves is None else moves[:, part].t().tolist()
        seeds = [None if draw is None else derive(draw[0], "crop", draw[1], i) for i in images]
        yield [View(i, m, down, right, s)
               for i, m, (down, right), s in zip(images, mirrors, moved, seeds, strict=True)]


def _same(batch: torch.Tensor) -> torch.Tensor:
    """A batch is one already."""
    return batch


def _workers(device: torch.device) -> int:
    """Processes for decoding: half of the cores where the network trains on them too."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_WORKERS, cores if device.type == "cuda" else max(1, cores // 2))


def _end_with_the_trainer(worker: int) -> None:
    """End this worker when the process that asked for it ends, however it ends: its parent is the process that it was
    forked from, which lives as long as a worker does, so that torch's own watch sees nothing.
    """
    trainer = multiprocessing.parent_process()
    if trainer is not None:
        threading.Thread(target=lambda: (wait([trainer.sentinel]), os._exit(1)), daemon=True).start()


def _context() -> BaseContext:
    """Workers are forked from a clean process that has imported this module once, never from the trainer with its
    threads, locks and GPU."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context
