"""Refuses a search that could only fail, before hours of training lead there."""

from __future__ import annotations

import torch
from torch import nn

from lth_engine.masking.prunable import prunable
from lth_engine.masking.prune import prune_to_level
from lth_engine.specs.finding import SearchSpec
from lth_engine.specs.questions import TicketSearch


def require_feasible(search: TicketSearch, model: nn.Module) -> None:
    """Ask for the sparsest mask of the search now. Raises as :func:`require_level`."""
    require_level(search.search, search.levels, model)


def require_level(search: SearchSpec, level: int, model: nn.Module) -> None:
    """Ask for a mask of the level now.

    Raises:
        BadInput: a density that leaves no weight (in some layer, if the scope is layerwise), or ignored layers that do
            not exist or are all there is.
    """
    scores = {name: torch.zeros_like(p) for name, p in prunable(model, search.ignore).items()}
    everything = {name: torch.ones_like(score, dtype=torch.bool) for name, score in scores.items()}
    exact = search.replace(rule="exact")  # the counts of the other rules are within a few weights
    prune_to_level(exact, level, scores, everything)
