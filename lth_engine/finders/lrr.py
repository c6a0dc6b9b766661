"""Learning-rate rewinding (Renda et al. 2020): train, prune, train on with the learning rate rewound.

One round of it: that the kept weights go on, rather than back, is said by the search's spec.
"""

from __future__ import annotations

from typing import cast

import torch

from lth_engine.finders.ranked import keep_best
from lth_engine.masking.prune import Tensors
from lth_engine.specs.finding import Lrr
from lth_engine.specs.tickets import FoundTicket


def find(question: FoundTicket, weights: Tensors, allowed: Tensors, ignored: int) -> dict[str, torch.Tensor]:
    """Of the weights still `allowed`, keep the largest after training."""
    return keep_best(question, cast(Lrr, question.search).scorer, weights, allowed, ignored)
