"""How pruning was spread over layers: the same share of each, one threshold for all, or something else."""

from __future__ import annotations

from lth_engine.diagnosis.anatomy import Anatomy, Layer
from lth_engine.diagnosis.findings.finding import Finding, percent

ABOUT = "health_layer_densities"

SAME = 0.01
"""Relative difference of the densities of two layers that were pruned alike."""

LARGE = 500
"""Weights of a layer from which its density tells something."""

KEPT = 200
"""Kept weights of a layer whose smallest one comes close to the threshold."""


def find(anatomy: Anatomy) -> list[Finding]:
    """A note on a sparse network of two or more pruned layers."""
    pruned = [layer for layer in anatomy.prunable if 0 < layer.alive < layer.size]
    large = [layer for layer in pruned if layer.size >= LARGE]
    if not anatomy.sparse or len(large) < 2:
        return []
    low, high = min(large, key=lambda layer: layer.filled), max(large, key=lambda layer: layer.filled)
    whole = len(anatomy.prunable) - len(pruned)
    rest = f" {whole} other layers keep all or nothing." if whole > 1 else \
        " One other layer keeps all or nothing." if whole else ""
    if high.filled - low.filled <= SAME * high.filled + 1 / min(layer.size for layer in large):
        return [Finding("layer_densities", "note", "Every pruned layer keeps the same share "
                        f"({percent(low.filled)}): it was pruned layer by layer.{rest}", None, ABOUT)]
    threshold = _threshold(large)
    how = "" if threshold is None else (
        f" Kept weights begin at the same size in all of them ({threshold:.3g}), so one threshold of magnitude was "
        "applied to the whole network.")
    return [Finding("layer_densities", "note", f"Layers keep from {percent(low.filled)} ({low.name}) to "
                    f"{percent(high.filled)} ({high.name}), so they were ranked together or given shares of their "
                    f"own.{how}{rest}", None, ABOUT)]


def _threshold(layers: list[Layer]) -> float | None:
    """The smallest kept weight, if it is nearly the same in all layers that keep enough weights."""
    smallest = [min(float(piece.abs().min()) for piece in layer.pieces() if piece.numel())
                for layer in layers if layer.alive >= KEPT]
    if len(smallest) < 2 or max(smallest) > 1.2 * min(smallest):
        return None
    return min(smallest)
