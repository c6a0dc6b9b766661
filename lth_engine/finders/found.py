"""The ticket that a search finds at one level: its mask on the weights of the rewind point, or on those that go on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import torch

from lth_engine.core.artifact import Answer, Array, Inputs, Scalar
from lth_engine.core.mask import Mask
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Workbench
from lth_engine.finders.ranked import keep_best, keep_lowest
from lth_engine.finders.rewound import rewound, with_ignored
from lth_engine.finders.scored import cost, subjects
from lth_engine.masking.prunable import in_network_order, without_ignored
from lth_engine.masking.prune import Tensors, prune_to_level
from lth_engine.specs.finding import Ranking
from lth_engine.specs.tickets import FoundTicket
from lth_engine.training.material import material, network


@dataclass(frozen=True)
class Cut:
    """A mask, and what it was cut from.

    Attributes:
        mask: kept weights of every prunable parameter.
        before: the mask that it was cut out of.
        onward: the weights that the ticket starts from, before they are masked.
        summary: what the search says of itself.
    """

    mask: Mask
    before: Mask
    onward: Mapping[str, Array]
    summary: Mapping[str, Scalar]


def answer(question: FoundTicket, inputs: Inputs, bench: Workbench) -> Answer:
    """Ask the search for the mask, and lay it over the weights that the search goes on from."""
    found = cut(question, inputs, bench)
    ticket = rewound(found.mask, found.onward, question.at_level)
    return ticket.to_answer(overlap_with_previous=found.mask.overlap(found.before), **found.summary)


def cut(question: FoundTicket, inputs: Inputs, bench: Workbench, inverse: Mask | None = None) -> Cut:
    """The mask of the highest scores.

    Args:
        question: what is searched, and how.
        inputs: what it rests on.
        bench: where it is computed.
        inverse: the ticket, if its inverse is wanted: the mask of the lowest scores, as many as it keeps (of each
            layer, where each has its count), among all weights. Scores of trained weights are then those of the dense
            network, as later levels rank what the levels before have left.
    """
    dense = Ticket.from_artifact(inputs[question.start.key])
    run, learned = question.reads() if inverse is None else question.dense_run(), question.learned()
    read = None if run is None else inputs[run.key]
    trained = dense.start if read is None else read.group("final")
    before = dense.mask if read is None else Mask(read.group("mask"))
    names = _searched(question, dense.mask, bench)
    ignored = dense.mask.size - sum(dense.mask[n].size for n in names)
    allowed = {n: torch.tensor(before[n]) for n in names}
    summary: Mapping[str, Scalar] = {}
    lowest = None if inverse is None else _as_many(question, inverse, names)
    if learned is None:
        kept, summary = _ranked(question, trained, allowed, ignored, bench, lowest)
    else:
        scores = {n: torch.tensor(value) for n, value in inputs[learned.key].group("score").items()}
        kept = (prune_to_level(question.search, question.at_level, scores, allowed, ignored) if lowest is None else
                keep_lowest(question.search, lowest, scores, allowed))
    mask = with_ignored({name: value.numpy() for name, value in kept.items()}, dense.mask)
    return Cut(mask, before, trained if question.search.continues else dense.start, summary)


def _as_many(question: FoundTicket, ticket: Mask, names: list[str]) -> Fraction:
    """The density at which as many weights are left as the ticket keeps. In layers that are cut alike it is that of
    the level, since a density over all of them would be rounded in each."""
    if question.search.scope == "layerwise":
        return question.search.exact_density(question.at_level)
    return Fraction(sum(int(ticket[name].sum()) for name in names), sum(ticket[name].size for name in names))


def _searched(question: FoundTicket, mask: Mask, bench: Workbench) -> list[str]:
    """The parameters that may be pruned; in the order of the network where shares go by it."""
    names = without_ignored(mask, question.search.ignore)
    if not question.search.shares_out:
        return names
    facts = material(question.start.data, bench).facts
    model = network(question.start.model, facts, question.start.init_seed, "cpu")
    return [name for name in in_network_order(model) if name in names]


def _ranked(question: FoundTicket, weights: Mapping[str, Array], allowed: Tensors, ignored: int, bench: Workbench,
            lowest: Fraction | None) -> tuple[Tensors, Mapping[str, Scalar]]:
    """The mask by the search's scorer, and what it cost where that is more than reading the weights."""
    assert isinstance(question.search, Ranking)
    scorer = question.search.scorer
    began = time.perf_counter()
    kept = keep_best(question, scorer, subjects(question, weights, list(allowed), bench), allowed, ignored, lowest)
    seconds = time.perf_counter() - began
    return kept, cost(question, scorer, seconds, bench) if question.shows_images else {}
