"""Layer collapse: a layer that pruning left empty, or nearly, while others keep their weights."""

from __future__ import annotations

from lth_engine.diagnosis.anatomy import Anatomy
from lth_engine.diagnosis.findings.finding import Finding, percent

ABOUT = "health_layer_collapse"

THIN = 0.01
"""Density below which a layer is about to vanish."""

RELATIVE = 0.1
"""Share of the network's density below which a thin layer stands out."""


def find(anatomy: Anatomy) -> list[Finding]:
    """Problems for empty layers, warnings for layers below 1% that are far thinner than the network."""
    whole = anatomy.filled or 0.0
    found = []
    for layer in anatomy.prunable:
        if layer.alive == 0:
            drawn_so = not anatomy.sparse and layer is anatomy.prunable[-1]
            found.append(Finding("layer_collapse", "note" if drawn_so else "problem",
                                 f"{layer.name} is all 0 ({layer.size:,} weights), as some networks start their "
                                 "classifier." if drawn_so else
                                 f"{layer.name} keeps none of its {layer.size:,} weights, while the network keeps "
                                 f"{percent(whole)}: no image can be felt behind it, unless a shortcut leads around.",
                                 layer.name, ABOUT))
        elif layer.filled < THIN:
            severity = "warning" if layer.filled < RELATIVE * whole else "note"
            found.append(Finding("layer_collapse", severity, f"{layer.name} keeps {layer.alive:,} of {layer.size:,} "
                                 f"weights ({percent(layer.filled)}); the network keeps {percent(whole)}. Below "
                                 f"{percent(THIN)} a layer is about to cut the network in two.", layer.name, ABOUT))
    return found
