"""Prunes to a level, over the whole network or layer by layer, by the search's rule for the count or by shares."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import torch

from lth_engine.core.errors import BadInput
from lth_engine.masking.allocate import allocate, require_finite
from lth_engine.masking.count_rules import aws, kthvalue, open_lth
from lth_engine.masking.shares import shares
from lth_engine.specs.finding import SearchSpec

Tensors = Mapping[str, torch.Tensor]


def prune_to_level(search: SearchSpec, level: int, scores: Tensors, allowed: Tensors,
                   ignored: int = 0) -> dict[str, torch.Tensor]:
    """Keep the highest scores among `allowed`, as many as a level of the search does.

    Args and raises as :func:`prune_to`.
    """
    since = search.exact_density(search.reads_level(level) or 0)
    return prune_to(search, search.exact_density(level), scores, allowed, since=since, ignored=ignored)


def prune_to(search: SearchSpec, density: Fraction, scores: Tensors, allowed: Tensors, *,
             since: Fraction = Fraction(1), ignored: int = 0) -> dict[str, torch.Tensor]:
    """Keep the highest scores among `allowed`.

    Args:
        search: gives scope and rule; the counts of the rule "exact" are those of `search.kept`.
        density: fraction of all weights that is kept.
        scores: parameter name -> scores.
        allowed: parameter name -> bool, what is pruned stays pruned; in the order of the network, by which smart
            ratios go.
        since: the density before, from which a rule of public code counts what it removes.
        ignored: number of prunable weights in layers that stay dense.

    Raises:
        BadInput: the density keeps no weight (in some layer, if the scope is not global).
    """
    if search.scope == "global":
        return _prune(search, density, scores, allowed, since, ignored)
    if search.shares_out:
        return _prune_to_shares(search.scope, density, scores, allowed)
    kept: dict[str, torch.Tensor] = {}
    for name, score in scores.items():
        kept |= _prune(search, density, {name: score}, {name: allowed[name]}, since, 0)
    return kept


def _prune_to_shares(scope: str, density: Fraction, scores: Tensors, allowed: Tensors) -> dict[str, torch.Tensor]:
    """Keep as many in each layer as its share says."""
    shapes = {name: tuple(mask.shape) for name, mask in allowed.items()}
    total = sum(mask.numel() for mask in allowed.values())
    kept: dict[str, torch.Tensor] = {}
    for name, count in shares(scope, shapes, round(density * total)).items():
        kept |= allocate({name: scores[name]}, count, {name: allowed[name]})
    return kept


def _prune(search: SearchSpec, density: Fraction, scores: Tensors, allowed: Tensors, since: Fraction,
           ignored: int) -> dict[str, torch.Tensor]:
    total = sum(s.numel() for s in scores.values())
    if search.rule == "exact":
        return allocate(scores, round(density * total), allowed)
    require_finite(scores)
    removed = 1 - density / since
    remaining = torch.cat([score[allowed[name]] for name, score in scores.items()])
    if search.rule == "open_lth":
        chosen = open_lth(remaining, removed, ignored)
    elif search.rule == "aws":
        chosen = aws(remaining, removed)
    else:
        chosen = kthvalue(remaining, density, total)
    if not bool(chosen.any()):
        raise BadInput(f"By the rule {search.rule}, a density of {float(density):.3g} keeps no weight (scores that "
                       "tie are pruned together). Use a lower level, a smaller pruning fraction, or the rule exact.")
    kept = {name: allowed[name].clone() for name in scores}
    parts = chosen.split([int(mask.sum()) for mask in kept.values()])
    for mask, part in zip(kept.values(), parts, strict=True):
        mask[mask.clone()] = part
    return kept
