"""Relative change of the loss."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from lth_engine.objectives.compared import Compared
from lth_engine.specs.objectives import LossChange


def value(spec: LossChange, compared: Compared) -> torch.Tensor:
    """R_dL = |L(student) / L(teacher) - 1|, both on the same batch."""
    dense = F.cross_entropy(compared.teacher, compared.y)
    return (F.cross_entropy(compared.student, compared.y) / dense - 1).abs()
