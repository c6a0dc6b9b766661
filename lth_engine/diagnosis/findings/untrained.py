"""Untrained: the weights look like a fresh draw of a usual initialiser, layer by layer."""

from __future__ import annotations

import torch

from lth_engine.diagnosis.anatomy import Anatomy, Layer, fan
from lth_engine.diagnosis.findings.finding import Finding, counted, percent
from lth_engine.diagnosis.fresh import LEAST, WHOLE, Fit, drawn, fits

ABOUT = "health_untrained"


def find(anatomy: Anatomy) -> list[Finding]:
    """A warning if every layer agrees with an initialiser and nothing else has moved; a note where it is undecided."""
    tested = {layer.name: layer for layer in anatomy.prunable if layer.size >= LEAST and layer.kept and _enough(layer)}
    if not tested:
        return [_cannot(anatomy)] if anatomy.prunable else []
    agree: list[list[Fit]] = []
    for layer in tested.values():
        agree.append(fits(layer))
        if not agree[-1]:
            return _partly(anatomy, tested)
    chosen = _fewest(agree)
    moved = _moved(anatomy)
    if moved:
        return [Finding("untrained", "note", f"All of {counted(len(agree), 'layer')} look like a fresh draw "
                        f"({_rules(chosen)}), yet {moved}: the weights were rewound to their start, are kept fixed, "
                        "or have hardly been trained.", None, ABOUT)]
    worst = max(abs(f.errors) for f in chosen)
    return [Finding("untrained", "warning", f"The weights look like a fresh draw: "
                    f"{'the one layer' if len(agree) == 1 else f'all {len(agree)} layers'} with at least {LEAST} "
                    "weights "
                    f"agree with {_rules(chosen)} in spread and shape (at most {worst:.1f} standard errors off)"
                    f"{_still(anatomy)}. If only a mask was learned, that is as it should be.", None, ABOUT)]


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
    large = [layer for layer in anatomy.layers if _beyond(anatomy, layer)]
    if large:
        return f"the biases of {counted(len(large), 'layer')} are larger than initialisers draw them"
    return ""


def _beyond(anatomy: Anatomy, layer: Layer) -> bool:
    """Whether a layer has a bias beyond 1 / sqrt(fan in), the bound of torch's default and the widest in use."""
    bias = anatomy.biases.get(layer.name.removesuffix("weight") + "bias")
    return bias is not None and bool((bias.abs() * fan(layer.weight)[0]**0.5 > 1.001).any())


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
                    f"({percent(1 - (anatomy.density or 0))}) are not in the file, and large ones that were kept "
                    "spread "
                    "wider than a draw. Batch normalisation has seen no image, as after a rewind to the start.",
                    None, ABOUT)]


def _cannot(anatomy: Anatomy) -> Finding:
    return Finding("untrained", "note", f"Whether the weights are a fresh draw cannot be told: no layer has {LEAST} "
                                        "of "
                   f"them left ({anatomy.kept:,} in all).", None, ABOUT)
