"""Magnitude at the start: a weight is worth its absolute value where the search starts."""

from __future__ import annotations

import torch

from lth_engine.scorers.subject import Subject
from lth_engine.specs.scorers import StartMagnitude


def score(spec: StartMagnitude, subject: Subject) -> dict[str, torch.Tensor]:
    """|w| of each prunable parameter."""
    return {name: weight.abs() for name, weight in subject.weights.items()}
