"""Magnitude: a weight is worth its absolute value (Han et al. 2015)."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lth_engine.specs.finding import Magnitude


def score(spec: Magnitude, weights: Mapping[str, torch.Tensor], seed: int) -> dict[str, torch.Tensor]:
    """|w| of each prunable parameter."""
    return {name: weight.abs() for name, weight in weights.items()}
