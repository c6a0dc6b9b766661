"""Half precision: values that float16 cannot hold, and weights so small that it holds them badly."""

from __future__ import annotations

import torch

from lth_engine.diagnosis.anatomy import Anatomy, Layer, ends, is_number
from lth_engine.diagnosis.findings.finding import Finding, counted, percent

ABOUT = "health_half_precision"

LARGEST = 65504.0
"""Largest number of float16 (IEEE 754, binary16)."""

SMALLEST = 2.0**-24
"""Smallest positive number of float16; half of it becomes 0."""

MANY = 0.01
"""Share of lost weights that is worth a note."""


def find(anatomy: Anatomy) -> list[Finding]:
    """A warning on values that become infinite in float16, a note on weights that become 0."""
    found = []
    for name, value in anatomy.weights.items():
        if not is_number(value) or value.dtype == torch.float16:
            continue
        low, high = ends(value)
        beyond = max(-low, high)
        if LARGEST < beyond < float("inf"):
            found.append(Finding("half_precision", "warning", f"{name} holds values up to {beyond:.3g}: in half "
                                 f"precision (at most {LARGEST:,.0f}) they become infinite.", name, ABOUT))
    total = sum(lost(layer) for layer in anatomy.prunable if layer.weight.dtype != torch.float16)
    if anatomy.alive and total > MANY * anatomy.alive:
        found.append(Finding("half_precision", "note", f"{counted(total, 'kept weight')} of {anatomy.alive:,} "
                             f"({percent(total / anatomy.alive)}) are below 3e-8 in size and become 0 in half "
                             "precision: they are rounding noise, so the network is sparser than its zeros tell.",
                             None, ABOUT))
    return found


def lost(layer: Layer) -> int:
    """Kept weights that become 0 in half precision; all are counted where a sample shows one."""
    if not bool((layer.some.abs() < SMALLEST / 2).any()):
        return 0
    return sum(int((piece.abs() < SMALLEST / 2).sum()) for piece in layer.pieces())
