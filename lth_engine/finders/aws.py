"""Find a Winning Sign, algorithm 1: learning-rate rewinding whose training interpolates normalisation parameters.

One round of it prunes as learning-rate rewinding does; the interpolation is part of the training that is read.
"""

from __future__ import annotations

from typing import cast

import torch

from lth_engine.finders.ranked import keep_best
from lth_engine.masking.prune import Tensors
from lth_engine.specs.finding import Aws
from lth_engine.specs.tickets import FoundTicket


def find(question: FoundTicket, weights: Tensors, allowed: Tensors, ignored: int) -> dict[str, torch.Tensor]:
    """Of the weights still `allowed`, keep the largest after training."""
    return keep_best(question, cast(Aws, question.search).scorer, weights, allowed, ignored)
