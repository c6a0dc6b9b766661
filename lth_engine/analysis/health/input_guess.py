"""With which normalisation of its input a network does best, among the usual ones: a checkpoint does not say it.

Pixels are normalised anew, and the network is shown the same training images each time. Of two that do alike, by a
paired comparison of the images that they are right about, the one in use is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.core.artifact import Array
from lth_engine.data.image_set import channel_statistics
from lth_engine.data.listed import IMAGENET_MEAN, IMAGENET_STD
from lth_engine.specs.normalising import NORMALISATIONS, OWN
from lth_engine.training.evaluate import Shown
from lth_engine.training.material import Facts, Material
from lth_engine.training.streamed import StreamedImages

SURE = 2.0
"""Standard errors by which another normalisation must be better."""

Pair = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Tried:
    """One normalisation on the training images.

    Attributes:
        name: "own" or a name of NORMALISATIONS.
        right: bool, for each image.
        loss: mean cross-entropy, nats; infinite or NaN if the network overflows.
    """

    name: str
    right: Array
    loss: float

    @property
    def accuracy(self) -> float:
        """Fraction of the images."""
        return float(self.right.mean())


def candidates(images: Material, used: str) -> dict[str, Pair]:
    """Mean and deviation of each channel, by name; the one in use first."""
    channels = images.facts.channels
    known: dict[str, Pair] = {used: (images.facts.mean, images.facts.std)}
    if used != OWN:
        own = (IMAGENET_MEAN, IMAGENET_STD) if isinstance(images.train, StreamedImages) else channel_statistics(
            images.train.x.permute(0, 3, 1, 2).cpu().numpy())
        known[OWN] = own
    return known | {name: c.of(channels) for name, c in NORMALISATIONS.items()
                    if name not in known and c.fits(channels)}


@torch.no_grad()
def tried(model: nn.Module, images: Shown, facts: Facts, normalisations: Mapping[str, Pair],
          report: Callable[[int], None]) -> list[Tried]:
    """Show a network in evaluation mode the images under each normalisation.

    Args:
        model: the network.
        images: training images, as they are normalised now.
        facts: how they are.
        normalisations: mean and deviation by name.
        report: told how many are done.
    """
    found = []
    for number, (name, pair) in enumerate(normalisations.items()):
        report(number)
        scale, shift = (t.to(images.y.device) for t in change((facts.mean, facts.std), pair))
        right, loss = [], 0.0
        for x, y in images.in_order():
            logits = model(x * scale + shift).float()
            right.append((logits.argmax(dim=1) == y).cpu().numpy())
            loss += float(F.cross_entropy(logits, y, reduction="sum").double())
        found.append(Tried(name, np.concatenate(right), loss / len(images)))
    return found


def change(old: Pair, new: Pair) -> tuple[torch.Tensor, torch.Tensor]:
    """Scale and shift (1 x C x 1 x 1) that turn images normalised in one way into those normalised in another."""
    (mean, std), (other_mean, other_std) = (np.array(pair) for pair in (old, new))
    values = std / other_std, (mean - other_mean) / other_std
    scale, shift = (torch.tensor(v, dtype=torch.float32).reshape(1, -1, 1, 1) for v in values)
    return scale, shift


def best(found: list[Tried]) -> Tried:
    """The one with the highest accuracy (of equal ones, the lowest loss), if it is surely better than the first, which
    is in use."""
    top = max(found, key=lambda t: (t.accuracy, -t.loss if math.isfinite(t.loss) else -math.inf))
    return top if surely_better(top, found[0]) else found[0]


def surely_better(one: Tried, other: Tried) -> bool:
    """Whether one is right about more of the same images, by more than chance makes of it."""
    gain = one.right.astype(float) - other.right.astype(float)
    error = float(gain.std(ddof=1)) / math.sqrt(len(gain)) if len(gain) > 1 else math.inf
    return bool(gain.mean() > SURE * error)
