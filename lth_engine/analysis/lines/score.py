"""Error and loss of a network on images, with the images that it gets wrong; little beside the forward passes.

Logits of several batches are looked at together, and the device is waited for once, at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.training.evaluate import Shown

AT_ONCE = 1 << 21
"""Logits that are kept before they are looked at (8 MiB)."""


@dataclass(frozen=True)
class Scored:
    """What a pass over N images found.

    Attributes:
        error: fraction of the images that are classified wrongly, the quotient of two counts.
        loss: mean cross-entropy in nats, summed in float64.
        wrong: bool, N, in the order in which the images are shown, on the CPU.
    """

    error: float
    loss: float
    wrong: torch.Tensor


@torch.no_grad()
def score(model: nn.Module, images: Shown) -> Scored:
    """Score of `model`, which is in evaluation mode, on at least one image."""
    wrong, losses = [], []
    for logits, y in _logits(model, images):
        wrong.append(logits.argmax(dim=1) != y)
        of_class = F.log_softmax(logits.t().contiguous(), dim=0)  # along rows of N: many times faster for few classes
        losses.append(-of_class.gather(0, y[None]).sum(dtype=torch.float64))
    found = torch.cat(wrong).cpu()
    return Scored(int(found.sum()) / len(found), float(torch.stack(losses).sum()) / len(found), found)


def _logits(model: nn.Module, images: Shown) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Logits and labels, several batches together."""
    made: list[tuple[torch.Tensor, torch.Tensor]] = []
    for x, y in images.in_order():
        made.append((model(x), y))
        if sum(logits.numel() for logits, _ in made) >= AT_ONCE:
            yield _together(made)
            made.clear()
    if made:
        yield _together(made)


def _together(made: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
    logits, labels = zip(*made, strict=True)
    return torch.cat(logits), torch.cat(labels)
