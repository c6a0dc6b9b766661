"""Reverse Kullback-Leibler divergence: that of the student's classes from the teacher's."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from lth_engine.objectives.compared import Compared
from lth_engine.specs.objectives import ReverseKl


def value(spec: ReverseKl, compared: Compared) -> torch.Tensor:
    """R_KL = sum p_s (log p_s - log p_t), mean over the batch, in nats."""
    student, teacher = F.log_softmax(compared.student, dim=1), F.log_softmax(compared.teacher, dim=1)
    return (student.exp() * (student - teacher)).sum(dim=1).mean()
