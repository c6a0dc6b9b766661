"""One-shot pruning: straight from the dense network to the density of the level."""

from __future__ import annotations

from typing import cast

import torch

from lth_engine.finders.ranked import keep_best
from lth_engine.masking.prune import Tensors
from lth_engine.specs.finding import OneShot
from lth_engine.specs.tickets import FoundTicket


def find(question: FoundTicket, weights: Tensors, allowed: Tensors, ignored: int) -> dict[str, torch.Tensor]:
    """Keep the weights that the chosen scorer ranks highest."""
    return keep_best(question, cast(OneShot, question.search).scorer, weights, allowed, ignored)
