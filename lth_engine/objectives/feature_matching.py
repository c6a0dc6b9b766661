"""Distance of the normalised features of student and teacher."""

from __future__ import annotations

import torch

from lth_engine.objectives.compared import Compared
from lth_engine.objectives.normalised import mean_distance
from lth_engine.specs.objectives import FeatureMatching


def value(spec: FeatureMatching, compared: Compared) -> torch.Tensor:
    """R_feature: mean over layers of the mean square difference; see :func:`mean_distance`."""
    return mean_distance(compared.student_features(spec.layers), compared.teacher_features(spec.layers))
