"""Cross-entropy of the masked network."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from lth_engine.objectives.compared import Compared
from lth_engine.specs.objectives import TaskLoss


def value(spec: TaskLoss, compared: Compared) -> torch.Tensor:
    """R_L = L(student), in nats."""
    return F.cross_entropy(compared.student, compared.y)
