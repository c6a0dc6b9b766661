"""Whether the weights of a layer look like a fresh draw of one of the usual initialisers.

A draw of n numbers of a known deviation s has a mean square of s^2, give or take s^2 sqrt((k - 1) / n), where k is
the kurtosis of the distribution (3 normal, 1.8 uniform, 2.37 for a normal cut at two deviations), a mean of 0, give or
take s / sqrt(n), and a distribution function near that of its rule (Kolmogorov 1933). Training moves all three beyond
what chance does, as soon as a layer has some hundred weights.

Sources of the rules: LeCun et al. 1998, Glorot & Bengio 2010, He et al. 2015; torch.nn.Linear and Conv2d (uniform with
bound 1 / sqrt(fan in)); torchvision and timm (deviations 0.01 and 0.02 of classifiers and transformers).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import ndtr

from lth_engine.diagnosis.anatomy import PIECE, Layer, drawn_from, fan

LEAST = 100
"""Weights below which spread and shape tell nothing."""

ERRORS = 5.0
"""Standard errors that chance exceeds once in 1.7 million layers."""

DISTANCE = 2.69
"""Distance of distribution functions times sqrt(n) that chance exceeds once in a million: 2 exp(-2 x^2) = 1e-6."""

WHOLE = 0.999
"""Share of a layer that must be stored for it to count as whole."""

CUT = 2.0
"""Deviations at which a truncated normal distribution is cut, in timm and in Keras."""

_BELOW = float(ndtr(-CUT))
_CUT_VARIANCE = 1 - 2 * CUT * math.exp(-CUT**2 / 2) / math.sqrt(2 * math.pi) / (1 - 2 * _BELOW)
"""Variance of a standard normal distribution cut at CUT."""

_CUT_KURTOSIS = (3 - 2 * CUT * (3 + CUT**2) * math.exp(-CUT**2 / 2) / math.sqrt(2 * math.pi) / (1 - 2 * _BELOW)) \
    / _CUT_VARIANCE**2

KURTOSIS = {"normal": 3.0, "uniform": 1.8, "truncated": _CUT_KURTOSIS}


@dataclass(frozen=True)
class Rule:
    """How weights may have been drawn: a name in words, the kind of distribution, its deviation."""

    name: str
    kind: str
    deviation: float


@dataclass(frozen=True)
class Fit:
    """How a layer agrees with the rule that fits it.

    Attributes:
        rule: the rule.
        errors: how far the mean square is from that of the rule, in standard errors.
    """

    rule: Rule
    errors: float


def rules(weight: torch.Tensor) -> Iterator[Rule]:
    """The usual rules for a weight of this shape."""
    inside, outside = fan(weight)
    fans = {"fan in": inside, "fan out": outside}
    for kind in ("normal", "uniform"):
        for name, size in fans.items():
            yield Rule(f"He's {kind} rule ({name})", kind, math.sqrt(2 / size))
        yield Rule(f"Xavier's {kind} rule", kind, math.sqrt(2 / (inside + outside)))
    yield Rule("torch's default (uniform)", "uniform", math.sqrt(1 / (3 * inside)))
    yield Rule("a uniform rule of the fan out", "uniform", math.sqrt(1 / (3 * outside)))
    for kind in ("normal", "uniform", "truncated"):
        yield Rule(f"LeCun's {kind} rule", kind, math.sqrt(1 / inside))
    for name, size in fans.items():
        yield Rule(f"He's truncated rule ({name})", "truncated", math.sqrt(2 / size))
    if weight.shape[1] == 1 and weight.ndim > 2:
        yield Rule("He's normal rule (fan out of a group)", "normal", math.sqrt(2 / weight[0].numel()))
    for deviation in (0.01, 0.02):
        yield Rule(f"a normal distribution of deviation {deviation}", "normal", deviation)


def fits(layer: Layer) -> list[Fit]:
    """The rules that a layer's values agree with; small layers agree with several.

    The layer has at least LEAST values (see drawn).
    """
    values, count = drawn(layer)
    if not layer.finite or not count:
        return []
    flat = values.flatten()
    mean, square = float(flat.sum(dtype=torch.float64)) / count, _squares(flat) / count
    if not math.isfinite(square) or square == 0:
        return []
    sample = drawn_from(values, count / layer.size).double().sort().values.numpy()
    if (constant := _constant(sample, square, layer.weight)) is not None:
        return [constant]
    found = []
    for rule in rules(layer.weight):
        errors = (square / rule.deviation**2 - 1) / math.sqrt((KURTOSIS[rule.kind] - 1) / count)
        if abs(errors) < ERRORS and abs(mean) < ERRORS * rule.deviation / math.sqrt(count) \
                and distance(sample, rule) * math.sqrt(len(sample)) < DISTANCE:
            found.append(Fit(rule, errors))
    return found


def drawn(layer: Layer) -> tuple[torch.Tensor, int]:
    """The values to look at (as stored if the file keeps what the mask takes out), and how many are not 0."""
    stored = layer.alive if layer.mask is None else int(torch.count_nonzero(layer.weight))
    return (layer.stored(), stored) if stored >= WHOLE * layer.size else (layer.effective(), layer.alive)


def _squares(flat: torch.Tensor) -> float:
    """The sum of squares, piece by piece, so that float32 loses nothing."""
    return sum(float(torch.dot(piece, piece)) for piece in flat.split(PIECE))


def distance(sample: np.ndarray, rule: Rule) -> float:
    """Kolmogorov's distance of a sorted sample from the distribution of a rule."""
    x = sample / rule.deviation
    if rule.kind == "normal":
        below = ndtr(x)
    elif rule.kind == "uniform":
        below = np.clip(0.5 + x / math.sqrt(12), 0, 1)
    else:
        below = np.clip((ndtr(x * math.sqrt(_CUT_VARIANCE)) - _BELOW) / (1 - 2 * _BELOW), 0, 1)
    steps = np.arange(len(x) + 1) / len(x)
    return float(max(np.max(steps[1:] - below), np.max(below - steps[:-1])))


def _constant(sample: np.ndarray, square: float, weight: torch.Tensor) -> Fit | None:
    """A fit if all weights have one size, that of He's rule (Ramanujan et al. 2020), and both signs."""
    size = math.sqrt(square)
    if np.max(np.abs(np.abs(sample) - size)) > 1e-5 * size or not sample[0] < 0 < sample[-1]:
        return None
    rule = Rule("random signs of one size", "constant", math.sqrt(2 / fan(weight)[0]))
    return Fit(rule, 0.0) if abs(size / rule.deviation - 1) < 1e-4 else None
