"""Untrained: the weights look like a fresh draw of a usual initialiser, layer by layer."""

from __future__ import annotations

import torch

from lth_engine.diagnosis.anatomy import Anatomy, Layer, fan, is_number
from lth_engine.diagnosis.findings.finding import Finding, counted, percent
from lth_engine.diagnosis.fresh import LEAST, WHOLE, Fit, Rule, distance, drawn, fits

ABOUT = "health_untrained"

IN_ALL = 1000
"""Weights in all tested layers below which a trained network may pass for a draw: they tell a spread to 5%."""

BIASES = 1.95
"""Kolmogorov distance of biases from torch's draw, times the root of their number, with a chance of 0.1%."""

ALMOST_0 = 1e-3
"""Size of a bias times sqrt(fan in) below which it counts as 0: some networks draw theirs with a deviation of 1e-6."""

UNIFORM = Rule("", "uniform", 3**-0.5)
"""The uniform distribution on [-1, 1]."""


def find(anatomy: Anatomy) -> list[Finding]:
    """A warning if every layer agrees with an initialiser and nothing else has moved; a note where it is undecided."""
    tested = {layer.name: layer for layer in anatomy.prunable
              if layer.size >= LEAST and layer.alive and _enough(layer)}
    if sum(drawn(layer)[1] for layer in tested.values()) < IN_ALL:
        return [_cannot(anatomy)] if anatomy.prunable else []
    agree: list[list[Fit]] = []
    for layer in tested.values():
        agree.append(fits(layer))
        if not agree[-1]:
            return _partly(anatomy, tested)
    chosen = _fewest(agree)
    moved = _moved(anatomy)
    if moved:
        return [Finding("untrained", "note", "The weights still have the spread and shape of a draw "
                        f"({_rules(chosen)}; {counted(len(agree), 'layer')} tested), yet {moved}: they were rewound "
                        "to their start, are kept fixed, or training has not moved them far.", None, ABOUT)]
    worst = max(abs(f.errors) for f in chosen)
    return [Finding("untrained", "warning", "The weights look like a fresh draw: "
                    f"{'the one layer' if len(agree) == 1 else f'all {len(agree)} layers'} with at least {LEAST} "
                    f"weights agree with {_rules(chosen)} in spread and shape (at most {worst:.1f} standard errors "
                    f"off){_still(anatomy)}. If only a mask was learned, that is as it should be.", None, ABOUT)]


def _enough(layer: Layer) -> bool:
    return drawn(layer)[1] >= LEAST


def _fewest(agree: list[list[Fit]]) -> list[Fit]:
    """One fit a layer, so that few rules explain all: again and again the rule that explains most of the rest."""
    left, chosen = list(range(len(agree))), {}
    while left:
        names = [fit.rule.name for index in left for fit in agree[index]]
        best = max(dict.fromkeys(names), key=names.count)
        chosen |= {index: fit for index in left for fit in agree[index] if fit.rule.name == best}
        left = [index for index in left if index not in chosen]
    return [chosen[index] for index in range(len(agree))]


def _rules(chosen: list[Fit]) -> str:
    """The rules, the most frequent first, at most two of them."""
    names = [fit.rule.name for fit in chosen]
    order = sorted(dict.fromkeys(names), key=lambda name: -names.count(name))
    return " or ".join(order[:2]) + (" or others" if len(order) > 2 else "")


def _moved(anatomy: Anatomy) -> str:
    """What shows that training went on, in words, or nothing."""
    seen = [norm for norm in anatomy.norms if norm.batches or (norm.mean is not None and bool((norm.mean != 0).any()))]
    if seen:
        return f"{counted(len(seen), 'batch normalisation')} of {len(anatomy.norms)} have seen images"
    shifted = [norm for norm in anatomy.norms if norm.bias is not None and bool((norm.bias.abs() > 0.1).any())]
    if shifted:
        return f"{counted(len(shifted), 'normalisation')} of {len(anatomy.norms)} have shifts other than 0"
    biases = _scaled_biases(anatomy)
    if len(biases) and biases.abs().max() > 1.001:
        return "biases are larger than initialisers draw them"
    if len(biases) >= 20 and distance(biases.sort().values.numpy(), UNIFORM) * len(biases)**0.5 > BIASES:
        return "biases are neither 0 nor drawn as weights are"
    return ""


def _scaled_biases(anatomy: Anatomy) -> torch.Tensor:
    """All biases that are not practically 0, times sqrt(fan in): torch draws them from [-1, 1], the widest in use."""
    found = [torch.zeros(0, dtype=torch.float64)]
    for layer in anatomy.layers:
        bias = anatomy.biases.get(layer.name.removesuffix("weight") + "bias")
        if bias is not None and is_number(bias):
            scaled = bias.double() * fan(layer.weight)[0]**0.5
            found.append(scaled if bool((scaled.abs() > ALMOST_0).any()) else scaled[:0])
    return torch.cat(found)


def _still(anatomy: Anatomy) -> str:
    """What else stands at its start, in words."""
    parts = []
    if anatomy.biases and not any(bool(torch.count_nonzero(bias)) for bias in anatomy.biases.values()):
        parts.append("all biases are 0")
    if any(norm.mean is not None for norm in anatomy.norms):
        parts.append("batch normalisation has seen no image")
    return ", and " + " and ".join(parts) if parts else ""


def _partly(anatomy: Anatomy, tested: dict[str, Layer]) -> list[Finding]:
    """A note where pruned weights are gone and nothing has moved: the kept ones of a draw are no draw."""
    gone = any(drawn(layer)[1] < WHOLE * layer.size for layer in tested.values())
    means = [norm.mean for norm in anatomy.norms]
    at_start = bool(means) and all(mean is not None and not bool(mean.any()) for mean in means)
    if not (gone and at_start):
        return []
    return [Finding("untrained", "note", "Whether the weights are a fresh draw cannot be told: the pruned ones "
                    f"({percent(1 - (anatomy.filled or 0))}) are not in the file, and large ones that were kept "
                    "spread wider than a draw. Batch normalisation has seen no image, as after a rewind to the start.",
                    None, ABOUT)]


def _cannot(anatomy: Anatomy) -> Finding:
    return Finding("untrained", "note", f"Whether the weights are a fresh draw cannot be told: no layer has {LEAST} "
                   f"of them left ({anatomy.alive:,} in all).", None, ABOUT)
