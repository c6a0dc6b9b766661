"""Magnitude: a weight is worth its absolute value (Han et al. 2015)."""

from __future__ import annotations

import torch

from lth_engine.scorers.subject import Subject
from lth_engine.specs.scorers import Magnitude


def score(spec: Magnitude, subject: Subject) -> dict[str, torch.Tensor]:
    """|w| of each prunable parameter."""
    return {name: weight.abs() for name, weight in subject.weights.items()}
