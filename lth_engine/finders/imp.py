"""Iterative magnitude pruning (Frankle & Carbin 2019, section 2): train, prune, rewind, repeat.

One round of it: the rounds before are the run that this level reads, the rewinding is the ticket that is made from the
mask, so the method itself is these three lines.
"""

from __future__ import annotations

from lth_engine.masking.prune import Tensors, prune_to_level
from lth_engine.scorers.magnitude import score
from lth_engine.specs.finding import Magnitude
from lth_engine.specs.questions import FoundTicket


def find(question: FoundTicket, weights: Tensors, allowed: Tensors) -> Tensors:
    """Of the weights still `allowed`, keep the largest after training."""
    scores = score(Magnitude(), weights, question.mask_seed)
    return prune_to_level(question.search, question.at_level, scores, allowed)
