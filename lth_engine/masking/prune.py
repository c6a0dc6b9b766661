"""Prunes to the exact count of a level, over the whole network or layer by layer."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lth_engine.masking.allocate import allocate
from lth_engine.specs.finding import SearchSpec

Tensors = Mapping[str, torch.Tensor]


def prune_to_level(search: SearchSpec, level: int, scores: Tensors, allowed: Tensors) -> dict[str, torch.Tensor]:
    """Keep the highest scores among `allowed`; counts are those of `search.kept`.

    Raises:
        BadInput: the level keeps no weight (in some layer, if the scope is layerwise).
    """
    if search.scope == "global":
        return allocate(scores, search.kept(level, sum(s.numel() for s in scores.values())), allowed)
    kept: dict[str, torch.Tensor] = {}
    for name, score in scores.items():
        kept |= allocate({name: score}, search.kept(level, score.numel()), {name: allowed[name]})
    return kept
