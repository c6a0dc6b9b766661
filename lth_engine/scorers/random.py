"""Random: every weight is worth a uniform random number."""

from __future__ import annotations

import torch

from lth_engine.core.seeds import derive
from lth_engine.scorers.subject import Subject
from lth_engine.specs.scorers import RandomScore


def score(spec: RandomScore, subject: Subject) -> dict[str, torch.Tensor]:
    """U(0, 1) for each weight, each parameter from its own seed; float64, so that ties do not happen."""
    return {name: torch.rand(weight.shape, dtype=torch.float64,
                             generator=torch.Generator().manual_seed(derive(subject.seed, "random score", name)))
            for name, weight in subject.weights.items()}
