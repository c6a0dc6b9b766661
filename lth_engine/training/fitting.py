"""The largest batch whose training step fits into the memory of a GPU, found by trying."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.core.errors import BadInput


class DoesNotFit(BadInput):
    """A batch does not fit into the memory of the GPU, as far as others leave it free."""


def ran_out(error: Exception) -> bool:
    """Whether an error says that a GPU has no memory left: torch's own, or one of the libraries that it calls."""
    return isinstance(error, torch.OutOfMemoryError) or "ALLOC_FAILED" in str(error)


def out_of_memory(model: nn.Module, x: torch.Tensor, precision: str, asked: int) -> DoesNotFit:
    """The error where memory ran out: names the largest batch that fits.

    Args:
        model: the network.
        x: images of the batch at which it happened, which may be the last and smaller one of an epoch.
        precision: of the forward pass.
        asked: the batch size of the training.
    """
    def step(batch: int) -> None:
        images = torch.zeros((batch, *x.shape[1:]), device=x.device)
        images = images.contiguous(memory_format=torch.channels_last) if images.ndim == 4 else images
        with torch.autocast(x.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            logits = model(images)
        F.cross_entropy(logits.float(), torch.zeros(batch, dtype=torch.int64, device=x.device)).backward()
        model.zero_grad(set_to_none=True)

    most = largest(asked - 1, step)
    remedy = (f"the largest batch that fits now is {most}. Lower training.batch_size to {most} or less"
              if most else "not even one image fits. Choose a smaller network or smaller images")
    return DoesNotFit(f"The GPU ran out of memory with training.batch_size {asked}: {remedy}; what was finished is "
                      "kept.")


def largest(limit: int, step: Callable[[int], None]) -> int:
    """The largest number from 1 to `limit` for which `step` does not run out of memory, to within one part in 64; 0 if
    there is none."""
    fits, fails = 0, limit + 1
    _free()
    while fails - fits > max(1, fits // 64):
        batch = (fits + fails) // 2
        try:
            step(batch)
            fits = batch
        except RuntimeError as error:
            if not ran_out(error):
                raise
            fails = batch
        _free()
    return fits


def _free() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
