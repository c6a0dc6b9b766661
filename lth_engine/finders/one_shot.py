"""One-shot pruning: straight from the dense network to the density of the level."""

from __future__ import annotations

import importlib
from typing import cast

from lth_engine.masking.prune import Tensors, prune_to_level
from lth_engine.specs.finding import OneShot
from lth_engine.specs.questions import FoundTicket


def find(question: FoundTicket, weights: Tensors, allowed: Tensors) -> Tensors:
    """Keep the weights that the chosen scorer ranks highest."""
    scorer = cast(OneShot, question.search).scorer
    module = importlib.import_module(f"{scorer.package}.{scorer.name}")
    scores = module.score(scorer, weights, question.mask_seed)
    return prune_to_level(question.search, question.at_level, scores, allowed)
