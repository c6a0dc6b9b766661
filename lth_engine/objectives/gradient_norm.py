"""Minus the norm of the gradient of the loss."""

from __future__ import annotations

import torch

from lth_engine.objectives.compared import Compared
from lth_engine.specs.objectives import GradientNorm


def value(spec: GradientNorm, compared: Compared) -> torch.Tensor:
    """R = -|dL/dw|, over all weights under the overlay together."""
    return -torch.linalg.vector_norm(torch.cat([g.reshape(-1) for g in compared.student_gradients(spec.of)]))
