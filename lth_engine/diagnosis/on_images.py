"""How well a network that somebody brought does on labelled images: accuracy by class, calibration, its input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from lth_engine.analysis.health.calibration import brier, reliability
from lth_engine.analysis.health.input_guess import Tried, best, tried
from lth_engine.analysis.health.wilson import wilson
from lth_engine.core.artifact import Array
from lth_engine.core.workbench import Progress
from lth_engine.data.image_set import channel_statistics
from lth_engine.diagnosis.batch_file import Batch
from lth_engine.diagnosis.brought import Brought
from lth_engine.specs.normalising import NORMALISATIONS, OWN
from lth_engine.training.material import Facts
from lth_engine.training.mixed import Mixed

BINS = 15
"""Bins of confidence (Guo et al. 2017)."""

GUESSED_ON = 2000
"""Images on which normalisations are tried."""

Report = Callable[[Progress], None]


def on_images(network: Brought, batch: Batch, names: Sequence[str],
              report: Report = lambda progress: None) -> dict[str, Any]:
    """Show the network the images, as JSON values.

    Args:
        network: in evaluation mode.
        batch: images that fit it; of bytes without mean and deviation these are guessed.
        names: of the classes.
        report: is told of each batch; raises Cancelled to stop.

    Returns:
        images, accuracy with low and high (95%, Wilson 1927), loss (nats), confidence, calibration_error (a fraction,
        15 bins), brier, classes (name, images, accuracy), normalisation (name, mean, std, guessed, tried).
    """
    how = "none: the images are shown as they are" if batch.mean is None else "as the file says"
    normalisation = {"name": how,
                     "mean": _listed(batch.mean), "std": _listed(batch.std), "guessed": False, "tried": []}
    if batch.raw:
        batch, normalisation = _guessed(network, batch, report)
    chances = _probabilities(network, batch, report)
    y = batch.y.numpy()
    answered, confidence = chances.argmax(axis=1), chances.max(axis=1)
    right = answered == y
    low, high = wilson(np.array(right.sum()), np.array(len(y)))
    loss = -np.log(np.maximum(chances[np.arange(len(y)), y], np.finfo(np.float64).tiny)).mean()
    classes = [{"name": name, "images": int((y == number).sum()),
                "accuracy": float(right[y == number].mean()) if (y == number).any() else None}
               for number, name in enumerate(names)]
    return {"images": len(y), "accuracy": float(right.mean()), "low": float(low), "high": float(high),
            "loss": float(loss), "confidence": float(confidence.mean()),
            "calibration_error": reliability(confidence, right, BINS).error, "brier": brier(chances, y),
            "classes": classes, "normalisation": normalisation}


@torch.no_grad()
def _probabilities(network: Brought, batch: Batch, report: Report) -> Array:
    """Probabilities of the classes, images x classes, float64."""
    found: list[Array] = []
    for x, _ in batch.in_order():
        report(Progress(sum(map(len, found)), len(batch), "Showing it the images"))
        found.append(torch.softmax(network.model(x).double(), dim=1).numpy())
    return np.concatenate(found)


def _guessed(network: Brought, batch: Batch, report: Report) -> tuple[Batch, dict[str, Any]]:
    """The batch under the normalisation that suits the network best, and what is said of it.

    The images' own mean and deviation stand unless a usual one does surely better.
    """
    channels, height, width = batch.x_shape
    known = {OWN: channel_statistics(batch.x.numpy())}
    known |= {name: c.of(channels) for name, c in NORMALISATIONS.items() if c.fits(channels)}
    unit = (0.0,) * channels, (1.0,) * channels
    plain = _with(batch, *unit)
    facts = Facts(channels, height, width, network.architecture.classes, *unit)
    found = tried(network.model, Mixed(plain, GUESSED_ON), facts, known,
                  lambda done: report(Progress(done, len(known), "Trying normalisations of the input")))
    top = best(found)
    mean, std = known[top.name]
    return _with(batch, mean, std), {
        "name": "mean and deviation of these images" if top.name == OWN else NORMALISATIONS[top.name].words,
        "mean": list(map(float, mean)), "std": list(map(float, std)), "guessed": True,
        "tried": [_plain(one) for one in found]}


def _with(batch: Batch, mean: Sequence[float], std: Sequence[float]) -> Batch:
    return Batch(batch.x, batch.y, np.array(mean, np.float64), np.array(std, np.float64), batch.where)


def _plain(one: Tried) -> dict[str, Any]:
    return {"name": one.name, "accuracy": one.accuracy, "loss": one.loss if np.isfinite(one.loss) else None}


def _listed(values: Array | None) -> list[float] | None:
    return None if values is None else values.tolist()
