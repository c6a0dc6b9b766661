"""Small magnitude: a weight is worth minus its absolute value, so that the smallest are kept (Zhou et al. 2019)."""

from __future__ import annotations

import torch

from lth_engine.scorers.subject import Subject
from lth_engine.specs.scorers import SmallMagnitude


def score(spec: SmallMagnitude, subject: Subject) -> dict[str, torch.Tensor]:
    """-|w| of each prunable parameter."""
    return {name: -weight.abs() for name, weight in subject.weights.items()}
