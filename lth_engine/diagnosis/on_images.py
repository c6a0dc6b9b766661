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
from lth_engine.core.errors import BadInput
from lth_engine.core.workbench import Progress
from lth_engine.data.image_set import channel_statistics
from lth_engine.diagnosis.batch_file import Batch
from lth_engine.diagnosis.brought import Brought
from lth_engine.specs.normalising import NORMALISATIONS, OWN
from lth_engine.training.material import Facts
from lth_engine.training.mixed import Mixed, shown

BINS = 15
"""Bins of confidence (Guo et al. 2017)."""

GUESSED_ON = 2000
"""Images on which normalisations are tried, at most."""

QUARTER = 0.25
"""Of images without a part to try normalisations on."""

Report = Callable[[Progress], None]


def on_images(network: Brought, batch: Batch, names: Sequence[str], aside: Batch | None = None,
              report: Report = lambda progress: None) -> dict[str, Any]:
    """Show the network the images, as JSON values.

    The normalisation of bytes of which nobody has said it is guessed on other images than those that are reported: on
    `aside`, or else on a QUARTER of the batch, which then is not reported. A network that takes the statistics of the
    batch even in evaluation is shown mixed images.

    Args:
        network: in evaluation mode.
        batch: images that fit it.
        names: of the classes.
        aside: more such images, of which nothing is reported.
        report: is told of each batch; raises Cancelled to stop.

    Returns:
        images, accuracy with low and high (95%, Wilson 1927), loss (nats), confidence, calibration_error (a fraction,
        15 bins), brier, classes (name, images, accuracy), normalisation (name, mean, std, guessed, tried; guessed_on:
        images on which it was guessed; held_out: those of them that are missing from the images reported).

    Raises:
        BadInput: the network answers NaN or infinity.
    """
    how = "none: the images are shown as they are" if batch.mean is None else "as the file says"
    normalisation = {"name": how, "mean": _listed(batch.mean), "std": _listed(batch.std), "guessed": False,
                     "guessed_on": 0, "held_out": 0, "tried": []}
    if batch.raw:
        whole = len(batch)
        trial, batch = (aside, batch) if aside is not None and aside.raw else _apart(batch)
        mean, std, normalisation = _guessed(network, trial, report)
        normalisation["held_out"] = whole - len(batch)
        batch = _with(batch, mean, std)
    chances, y = _probabilities(network, batch, report)
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
def _probabilities(network: Brought, batch: Batch, report: Report) -> tuple[Array, Array]:
    """Probabilities of the classes (images x classes, float64) and true classes, in the order they are shown."""
    found: list[Array] = []
    y: list[Array] = []
    for x, true in shown(network.model, batch).in_order():
        report(Progress(sum(map(len, found)), len(batch), "Showing it the images"))
        logits = network.model(x).double()
        if not bool(torch.isfinite(logits).all()):
            raise BadInput(f"{network.where} answers NaN or infinity to images of {batch.where}, though its weights "
                           "are finite: look at the scale of the images, or bring another checkpoint.")
        found.append(torch.softmax(logits, dim=1).numpy())
        y.append(true.numpy())
    return np.concatenate(found), np.concatenate(y)


def _apart(batch: Batch) -> tuple[Batch, Batch]:
    """Images to guess on, and the others, drawn at random. Raises BadInput if there is but one."""
    if len(batch) < 2:
        raise BadInput(f"A normalisation cannot be guessed from the one image of {batch.where}: bring more images, or "
                       "an .npz with mean and std.")
    order = Mixed(batch, name="normalisation").index
    count = min(GUESSED_ON, max(1, round(QUARTER * len(batch))))
    trial, rest = (Batch(batch.x[places], batch.y[places], None, None, batch.where)
                   for places in (order[:count], order[count:].sort().values))
    return trial, rest


def _guessed(network: Brought, batch: Batch,
             report: Report) -> tuple[Sequence[float], Sequence[float], dict[str, Any]]:
    """Mean and deviation that suit the network best on these images, and what is said of them.

    The images' own mean and deviation stand unless a usual one does surely better.
    """
    channels, height, width = batch.x_shape
    images = Mixed(batch, GUESSED_ON)
    known = {OWN: channel_statistics(batch.x[images.index].numpy())}
    known |= {name: c.of(channels) for name, c in NORMALISATIONS.items() if c.fits(channels)}
    unit = (0.0,) * channels, (1.0,) * channels
    facts = Facts(channels, height, width, network.architecture.classes, *unit)
    found = tried(network.model, Mixed(_with(batch, *unit), GUESSED_ON), facts, known,
                  lambda done: report(Progress(done, len(known), "Trying normalisations of the input")))
    top = best(found)
    mean, std = known[top.name]
    return mean, std, {
        "name": "mean and deviation of these images" if top.name == OWN else NORMALISATIONS[top.name].words,
        "mean": list(map(float, mean)), "std": list(map(float, std)), "guessed": True, "guessed_on": len(images),
        "tried": [_plain(one) for one in found]}


def _with(batch: Batch, mean: Sequence[float], std: Sequence[float]) -> Batch:
    return Batch(batch.x, batch.y, np.array(mean, np.float64), np.array(std, np.float64), batch.where)


def _plain(one: Tried) -> dict[str, Any]:
    return {"name": one.name, "accuracy": one.accuracy, "loss": one.loss if np.isfinite(one.loss) else None}


def _listed(values: Array | None) -> list[float] | None:
    return None if values is None else values.tolist()
