"""The objective of a spec, found by its name."""

from __future__ import annotations

import importlib
from typing import Any

import torch

from lth_engine.objectives.compared import Compared
from lth_engine.specs.objectives import ObjectiveSpec


def measured(spec: ObjectiveSpec, compared: Compared) -> torch.Tensor:
    """Value of the objective on a batch, a tensor of no dimension that is differentiable by the overlay."""
    module: Any = importlib.import_module(f"{spec.package}.{spec.name}")
    found: torch.Tensor = module.value(spec, compared)
    return found
