"""Biases: all zero while others moved, or larger than anything that they are added to."""

from __future__ import annotations

import torch

from lth_engine.diagnosis.anatomy import Anatomy, is_number
from lth_engine.diagnosis.findings.finding import Finding, counted, listed

ABOUT = "health_biases"

LARGE = 100.0
"""Size of a bias that dwarfs activations of about 1, which initialisers and normalisation aim at."""


def find(anatomy: Anatomy) -> list[Finding]:
    """A warning on huge biases; a note where those of some layers are all 0 and those of others are not."""
    biases = {name: bias for name, bias in anatomy.biases.items() if is_number(bias)}
    zero = [name for name, bias in biases.items() if not bool(torch.count_nonzero(bias))]
    found = []
    for name, bias in biases.items():
        finite = bias[torch.isfinite(bias)].double().abs()
        if finite.numel() and float(finite.max()) > LARGE:
            found.append(Finding("biases", "warning", f"{name} has {counted(int((finite > LARGE).sum()), 'value')} "
                                 f"beyond {LARGE:.0f} (largest {float(finite.max()):.3g}): the units behind them no "
                                 "longer depend on the image.", name, ABOUT))
    if zero and len(zero) < len(biases):
        found.append(Finding("biases", "note", f"The biases of {counted(len(zero), 'layer')} of {len(biases)} are all "
                             f"0 ({listed(zero)}): they were not trained, or nothing reaches them.", zero[0], ABOUT))
    return found
