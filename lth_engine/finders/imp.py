"""Iterative magnitude pruning (Frankle & Carbin 2019, section 2): train, prune, rewind, repeat.

One round of it: the rounds before are the run that this level reads, and the rewinding is done where the ticket is
made from the mask.
"""

from __future__ import annotations

from typing import cast

import torch

from lth_engine.finders.ranked import keep_best
from lth_engine.masking.prune import Tensors
from lth_engine.specs.finding import Imp
from lth_engine.specs.tickets import FoundTicket


def find(question: FoundTicket, weights: Tensors, allowed: Tensors, ignored: int) -> dict[str, torch.Tensor]:
    """Of the weights still `allowed`, keep the largest after training."""
    return keep_best(question, cast(Imp, question.search).scorer, weights, allowed, ignored)
