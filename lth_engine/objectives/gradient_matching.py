"""Distance of the normalised gradients of student and teacher."""

from __future__ import annotations

import torch

from lth_engine.objectives.compared import Compared
from lth_engine.objectives.normalised import mean_distance
from lth_engine.specs.objectives import GradientMatching


def value(spec: GradientMatching, compared: Compared) -> torch.Tensor:
    """R_grad: mean over layers of the mean square difference; see :func:`mean_distance`."""
    return mean_distance(compared.student_gradients(spec.of), compared.teacher_gradients())
