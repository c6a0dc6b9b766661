"""Small magnitude: a weight is worth minus its absolute value, so that the smallest are kept (Zhou et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lth_engine.specs.finding import SmallMagnitude


def score(spec: SmallMagnitude, weights: Mapping[str, torch.Tensor], seed: int) -> dict[str, torch.Tensor]:
    """-|w| of each prunable parameter."""
    return {name: -weight.abs() for name, weight in weights.items()}
