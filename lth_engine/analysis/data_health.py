"""How well a network does on images: accuracy by class, what is taken for what, calibration, and its input."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import nn

from lth_engine.analysis.health.calibration import brier, error_by_chance, error_interval, reliability
from lth_engine.analysis.health.input_guess import Tried, best, candidates, surely_better, tried
from lth_engine.analysis.health.wilson import wilson
from lth_engine.analysis.sound_weights import require_finite
from lth_engine.core.artifact import Answer, Array, Inputs, Scalar, text_array
from lth_engine.core.errors import BadInput
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.data.image_set import labels
from lth_engine.specs.health import DataHealth
from lth_engine.specs.normalising import NORMALISATIONS, OWN
from lth_engine.training.evaluate import Shown
from lth_engine.training.material import Material, material, network, put_weights
from lth_engine.training.mixed import Mixed, shown

HISTOGRAM_BINS = 50
"""Bins of the histogram of confidence."""

MATCHED = 0.1
"""Gain of accuracy from which on another order of the classes is spoken of."""


def answer(question: DataHealth, inputs: Inputs, bench: Workbench) -> Answer:
    """Show the network the images.

    Arrays: confusion (classes x classes, true class by answered class); class/name, count, accuracy, low, high (95%
    Wilson); reliability/edges, count, confidence, accuracy (a value a bin); histogram/edges, right, wrong (images by
    confidence); normalisation/name, accuracy, loss (on training images; the one in use first).

    The summary says images, chance, accuracy with its 95% Wilson interval, loss (nats), confidence (mean), ece with
    its interval, ece_by_chance and ece_by_chance_high (mean and 97.5% quantile if it were calibrated), brier (0 to 2),
    worst_class and worst_accuracy, normalisation (in use), normalisation_best and normalisation_text, and
    classes_text, a sentence where the classes seem to be in another order.

    Raises:
        NonFinite: a tensor of the network holds NaN or infinity.
        BadInput: there are no such images.
    """
    dense = question.of.ticket.dense
    images = material(dense.data, bench)
    part = images.test if question.part == "test" else images.train
    if not len(part):
        raise BadInput(f"The {question.part} part of these images is empty: choose the other part.")
    weights = inputs[question.of.key].group("final")
    require_finite(weights, f"at the end of run {question.of.key}")
    model = network(dense.model, images.facts, dense.init_seed, bench.device).eval()
    put_weights(model, weights)
    chances, y = _probabilities(model, shown(model, part), bench)
    names = labels(dense.data, bench.data_root).classes
    found = _guess(question, model, images, bench)
    told = found[0].right, _order_of_classes(model, images, question, bench)
    arrays, summary = _scores(question, chances, y, names)
    summary |= {"normalisation": dense.data.normalise, "normalisation_best": best(found).name,
                "normalisation_text": _said(found), "classes_text": _classes_said(*told)}
    return Answer(arrays | _input_columns(found), summary)


@torch.no_grad()
def _probabilities(model: nn.Module, images: Shown, bench: Workbench) -> tuple[Array, Array]:
    """Probabilities of the classes (images x classes, float64) and true classes, in the order they are shown."""
    found, y = [], []
    for x, true in images.in_order():
        bench.report(Progress(sum(map(len, y)), len(images), "showing it the images"))
        found.append(torch.softmax(model(x).double(), dim=1).cpu().numpy())
        y.append(true.cpu().numpy())
    return np.concatenate(found), np.concatenate(y)


def _scores(question: DataHealth, chances: Array, y: Array, names: Sequence[str],
            ) -> tuple[dict[str, Array], dict[str, Scalar]]:
    """All that is said of the images themselves."""
    count, classes = chances.shape
    answered, confidence = chances.argmax(axis=1), chances.max(axis=1)
    right = answered == y
    confusion = np.bincount(y * classes + answered, minlength=classes * classes).reshape(classes, classes)
    each, hits = confusion.sum(axis=1), confusion.diagonal()
    low, high = wilson(hits, each)
    accuracy = np.divide(hits, each, out=np.full(classes, np.nan), where=each > 0)
    worst = int(np.nanargmin(accuracy))
    whole = wilson(right.sum(), np.array(count))
    bins = reliability(confidence, right, question.bins)
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    arrays = {
        "confusion": confusion, "class/name": text_array(list(names)), "class/count": each, "class/accuracy": accuracy,
        "class/low": low, "class/high": high, "reliability/edges": bins.edges, "reliability/count": bins.count,
        "reliability/confidence": bins.confidence, "reliability/accuracy": bins.accuracy, "histogram/edges": edges,
        "histogram/right": np.histogram(confidence[right], edges)[0],
        "histogram/wrong": np.histogram(confidence[~right], edges)[0]}
    loss = -np.log(np.maximum(chances[np.arange(count), y], np.finfo(np.float64).tiny)).mean()
    summary: dict[str, Scalar] = {
        "images": count, "chance": 1 / classes, "accuracy": float(right.mean()), "accuracy_low": float(whole[0]),
        "accuracy_high": float(whole[1]), "loss": float(loss), "confidence": float(confidence.mean()),
        "ece": bins.error, **_calibration(question, confidence, right), "brier": brier(chances, y),
        "worst_class": names[worst], "worst_accuracy": float(accuracy[worst])}
    return arrays, summary


def _calibration(question: DataHealth, confidence: Array, right: Array) -> dict[str, Scalar]:
    """The interval of the calibration error, and what chance makes of it; None without resamples."""
    names = ("ece_low", "ece_high", "ece_by_chance", "ece_by_chance_high")
    if not question.resamples:
        return dict.fromkeys(names)
    drawn = question.resamples, question.seed
    return dict(zip(names, (*error_interval(confidence, right, question.bins, *drawn),
                            *error_by_chance(confidence, question.bins, *drawn)), strict=True))


def _guess(question: DataHealth, model: nn.Module, images: Material, bench: Workbench) -> list[Tried]:
    """Every normalisation on the same training images, the one in use first."""
    known = candidates(images, question.of.ticket.dense.data.normalise)
    return tried(model, Mixed(images.train, question.guess_images), images.facts, known,
                 lambda done: bench.report(Progress(done, len(known), "trying normalisations of the input")))


def _said(found: list[Tried]) -> str:
    """What is known of the input's normalisation, in a sentence."""
    used, top = found[0], best(found)
    if top is not used:
        return (f"On training images the network does better with {_words(top.name)} ({_percent(top)}) than with "
                f"{_words(used.name)}, as it is shown them now ({_percent(used)}): set data.normalise to {top.name}."
                + _alike(found, top))
    others = max((t.accuracy for t in found[1:]), default=math.nan)
    return (f"On training images no usual normalisation does surely better than {_words(used.name)}, which is in use "
            f"({_percent(used)}; the best of the others {100 * others:.1f}%).")


def _alike(found: list[Tried], top: Tried) -> str:
    """Which others cannot be told from the best one."""
    others = [t.name for t in found if t is not top and not surely_better(top, t)]
    return f" Not told apart from it: {', '.join(others)}." if others else ""


def _words(name: str) -> str:
    return "mean and deviation of these images" if name == OWN else NORMALISATIONS[name].words


def _percent(one: Tried) -> str:
    return f"{100 * one.accuracy:.1f}%"


def _input_columns(found: list[Tried]) -> dict[str, Array]:
    return {"normalisation/name": text_array([t.name for t in found]),
            "normalisation/accuracy": np.array([t.accuracy for t in found]),
            "normalisation/loss": np.array([t.loss for t in found])}


def _order_of_classes(model: nn.Module, images: Material, question: DataHealth, bench: Workbench) -> float:
    """Accuracy on training images if each answer is read as the class that suits it best, one to one."""
    chances, y = _probabilities(model, Mixed(images.train, question.guess_images), bench)
    classes = chances.shape[1]
    counts = np.bincount(y * classes + chances.argmax(axis=1), minlength=classes**2).reshape(classes, classes)
    return float(counts[linear_sum_assignment(-counts)].sum() / len(y))


def _classes_said(right: Array, matched: float) -> str:
    """A sentence where another order of the classes fits far better."""
    if matched - right.mean() < MATCHED or matched < 2 * right.mean():
        return ""
    return (f"Its answers fit the classes in another order ({100 * matched:.1f}% of the training images, "
            f"{100 * float(right.mean()):.1f}% as they are): the file was probably trained on the same images with "
            "classes numbered differently.")
