"""The largest batch whose training step fits into the memory of a GPU, found by trying."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.core.errors import BadInput


class DoesNotFit(BadInput):
    """A batch does not fit into the memory of the GPU, as far as others leave it free."""


def out_of_memory(model: nn.Module, x: torch.Tensor, precision: str) -> DoesNotFit:
    """The error for a batch `x` that did not fit: names the largest batch that does."""
    def step(batch: int) -> None:
        images = torch.zeros((batch, *x.shape[1:]), device=x.device)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            logits = model(images.contiguous(memory_format=torch.channels_last))
        F.cross_entropy(logits.float(), torch.zeros(batch, dtype=torch.int64, device=x.device)).backward()
        model.zero_grad(set_to_none=True)

    most = largest(len(x) - 1, step)
    remedy = (f"the largest batch that fits now is {most}. Lower training.batch_size to {most} or less"
              if most else "not even one image fits. Choose a smaller network or smaller images")
    return DoesNotFit(f"The GPU ran out of memory with training.batch_size {len(x)}: {remedy}; what was finished is "
                      "kept.")


def largest(limit: int, step: Callable[[int], None]) -> int:
    """The largest number from 1 to `limit` for which `step` does not run out of memory, to within one part in 64; 0 if
    there is none."""
    fits, fails = 0, limit + 1
    while fails - fits > max(1, fits // 64):
        batch = (fits + fails) // 2
        try:
            step(batch)
            fits = batch
        except torch.OutOfMemoryError:
            fails = batch
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    return fits
