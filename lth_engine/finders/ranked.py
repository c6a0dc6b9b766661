"""Pruning by a score, in one round or in several: what all searches have in common that rank weights."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from fractions import Fraction

import torch

from lth_engine.masking.prune import Tensors, prune_to
from lth_engine.scorers.subject import Subject
from lth_engine.specs.finding import SearchSpec
from lth_engine.specs.scorers import ScorerSpec
from lth_engine.specs.tickets import FoundTicket


def keep_best(question: FoundTicket, scorer: ScorerSpec, subject: Callable[[Tensors], Subject], allowed: Tensors,
              ignored: int, lowest: Fraction | None = None) -> dict[str, torch.Tensor]:
    """Of the weights still `allowed`, keep those that the scorer ranks highest, as many as the level says.

    In several rounds the density falls by the same factor in each, and each round is scored under the mask of the one
    before (Tanaka et al. 2020, algorithm 1).

    Args:
        question: gives search and level.
        scorer: ranks the weights.
        subject: mask -> what the scorer looks at.
        allowed: parameter name -> bool.
        ignored: number of prunable weights in layers that stay dense.
        lowest: keep the lowest scores instead, of all weights, at this density.
    """
    search = question.search
    if lowest is not None:
        return in_rounds(search, scorer, subject, allowed, Fraction(1), lowest, ignored, lowest=True)
    since = search.exact_density(search.reads_level(question.at_level) or 0)
    return in_rounds(search, scorer, subject, allowed, since, search.exact_density(question.at_level), ignored)


def in_rounds(search: SearchSpec, scorer: ScorerSpec, subject: Callable[[Tensors], Subject], allowed: Tensors,
              since: Fraction, end: Fraction, ignored: int = 0, *, lowest: bool = False) -> dict[str, torch.Tensor]:
    """Of the weights still `allowed`, keep the best, in as many rounds as the scorer has.

    Args:
        search: gives scope and rule.
        scorer: ranks the weights.
        subject: mask -> what the scorer looks at.
        allowed: parameter name -> bool.
        since: fraction of all weights that is allowed.
        end: fraction of all weights that is kept at the end.
        ignored: number of prunable weights in layers that stay dense.
        lowest: keep the lowest scores instead.
    """
    module = importlib.import_module(f"{scorer.package}.{scorer.name}")
    for density in _densities(since, end, scorer.steps):
        scores = module.score(scorer, subject(allowed))
        allowed = (keep_lowest(search, density, scores, allowed) if lowest else
                   prune_to(search, density, scores, allowed, since=since, ignored=ignored))
        since = density
    return dict(allowed)


def keep_lowest(search: SearchSpec, density: Fraction, scores: Tensors, allowed: Tensors) -> dict[str, torch.Tensor]:
    """Keep the lowest scores, by the scope of the search; counts are exact, as rules of public code count on from what
    a level before has left."""
    return prune_to(search.replace(rule="exact"), density, {name: -score for name, score in scores.items()}, allowed)


def _densities(since: Fraction, end: Fraction, rounds: int) -> list[Fraction]:
    """The densities of the rounds, the last one exact."""
    between = [since * Fraction(float(end / since) ** (done / rounds)) for done in range(1, rounds)]
    return [*between, end]
