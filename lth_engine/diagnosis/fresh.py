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

from lth_engine.diagnosis.anatomy import Layer, fan

LEAST = 100
"""Weights below which spread and shape tell nothing."""

ERRORS = 5.0
"""Standard errors that chance exceeds once in 1.7 million layers."""

DISTANCE = 2.69
"""Distance of distribution functions times sqrt(n) that chance exceeds once in a million: 2 exp(-2 x^2) = 1e-6."""

SAMPLE = 5000
"""Weights, evenly spaced in the layer, whose distribution function is compared: sorting all of them takes too long."""

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
    values = drawn(layer)
    mean, square = float(values.mean()), float(values.square().mean())
    if not math.isfinite(square) or square == 0:
        return []
    if (constant := _constant(values, square, layer.weight)) is not None:
        return [constant]
    count = values.numel()
    sample = values[::max(1, count // SAMPLE)][:SAMPLE].double().sort().values.numpy()
    found = []
    for rule in rules(layer.weight):
        errors = (square / rule.deviation**2 - 1) / math.sqrt((KURTOSIS[rule.kind] - 1) / count)
        if abs(errors) < ERRORS and abs(mean) < ERRORS * rule.deviation / math.sqrt(count) \
                and distance(sample, rule) * math.sqrt(len(sample)) < DISTANCE:
            found.append(Fit(rule, errors))
    return found


def drawn(layer: Layer) -> torch.Tensor:
    """The values to look at, flat: as stored where the file keeps what the mask takes out, else what is not 0."""
    weight = layer.weight if layer.weight.dtype == torch.float64 else layer.weight.float()
    if layer.kept == layer.size or int(torch.count_nonzero(weight)) >= 0.999 * layer.size:
        return weight.flatten()
    return layer.values()


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


def _constant(values: torch.Tensor, square: float, weight: torch.Tensor) -> Fit | None:
    """A fit if all weights have one size, that of He's rule (Ramanujan et al. 2020), and both signs."""
    size = math.sqrt(square)
    sizes = values[::max(1, values.numel() // SAMPLE)].abs()
    if float((sizes - size).abs().max()) > 1e-5 * size or not bool((values < 0).any() & (values > 0).any()):
        return None
    rule = Rule("random signs of one size", "constant", math.sqrt(2 / fan(weight)[0]))
    return Fit(rule, 0.0) if abs(size / rule.deviation - 1) < 1e-4 else None
