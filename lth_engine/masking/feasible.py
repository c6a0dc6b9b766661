"""Refuses a search that could only fail, before hours of training lead there."""

from __future__ import annotations

import torch
from torch import nn

from lth_engine.masking.prunable import in_network_order, prunable
from lth_engine.masking.prune import prune_to_level
from lth_engine.specs.finding import SearchSpec


def require_level(search: SearchSpec, level: int, model: nn.Module) -> None:
    """Ask for a mask of the level now.

    Raises:
        BadInput: a density that leaves no weight (in some layer, if the scope is not global), or ignored layers that
            do not exist or are all there is.
    """
    searched = prunable(model, search.ignore)
    scores = {name: torch.zeros_like(p) for name, p in in_network_order(model).items() if name in searched}
    everything = {name: torch.ones_like(score, dtype=torch.bool) for name, score in scores.items()}
    exact = search.replace(rule="exact")  # the counts of the other rules are within a few weights
    prune_to_level(exact, level, scores, everything)
