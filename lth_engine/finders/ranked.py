"""One round of pruning by a score: what iterative, rewinding and one-shot searches have in common."""

from __future__ import annotations

import importlib

import torch

from lth_engine.masking.prune import Tensors, prune_to_level
from lth_engine.specs.finding import ScorerSpec
from lth_engine.specs.tickets import FoundTicket


def keep_best(question: FoundTicket, scorer: ScorerSpec, weights: Tensors, allowed: Tensors,
              ignored: int) -> dict[str, torch.Tensor]:
    """Of the weights still `allowed`, keep those that the scorer ranks highest."""
    module = importlib.import_module(f"{scorer.package}.{scorer.name}")
    scores = module.score(scorer, weights, question.mask_seed)
    return prune_to_level(question.search, question.at_level, scores, allowed, ignored)
