"""Signs: layers whose kept weights are positive, or negative, far more often than not."""

from __future__ import annotations

import math

from lth_engine.diagnosis.anatomy import Anatomy
from lth_engine.diagnosis.findings.finding import Finding, percent

ABOUT = "health_signs"

FROM, TO = 1 / 3, 2 / 3
"""Shares of positive weights beyond which one sign is twice as frequent as the other."""

ERRORS = 6.0
"""Standard errors of a fair coin that an imbalance must exceed to be told."""


def find(anatomy: Anatomy) -> list[Finding]:
    """A note a layer in which one sign is twice as frequent as the other."""
    found = []
    for layer in anatomy.prunable:
        if not layer.alive or not layer.finite or FROM + 0.05 < float((layer.some > 0).double().mean()) < TO - 0.05:
            continue
        share = sum(int((piece > 0).sum()) for piece in layer.pieces()) / layer.alive
        errors = abs(share - 0.5) * 2 * math.sqrt(layer.alive)
        if not FROM <= share <= TO and errors > ERRORS:
            found.append(Finding("signs", "note", f"{percent(share)} of the {layer.alive:,} kept weights of "
                                 f"{layer.name} are positive, {errors:.0f} standard errors from half. Fresh draws "
                                 "have half; constraints, damage, or training of a narrow layer shift it.",
                                 layer.name, ABOUT))
    return found
