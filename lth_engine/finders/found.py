"""The ticket that a search finds at one level: its mask on the weights of the rewind point, or on those that go on."""

from __future__ import annotations

import importlib

import torch

from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.mask import Mask
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Workbench
from lth_engine.finders.rewound import rewound, with_ignored
from lth_engine.masking.prunable import without_ignored
from lth_engine.specs.tickets import FoundTicket


def answer(question: FoundTicket, inputs: Inputs, bench: Workbench) -> Answer:
    """Ask the search for the mask, and lay it over the weights that the search goes on from."""
    dense = Ticket.from_artifact(inputs[question.start.key])
    run = question.reads()
    read = None if run is None else inputs[run.key]
    trained = dense.start if read is None else read.group("final")
    before = dense.mask if read is None else Mask(read.group("mask"))
    names = without_ignored(dense.mask, question.search.ignore)
    ignored = dense.mask.size - sum(dense.mask[n].size for n in names)
    search = importlib.import_module(f"{question.search.package}.{question.search.name}")
    kept = search.find(question, {n: torch.from_numpy(trained[n]) for n in names},
                       {n: torch.tensor(before[n]) for n in names}, ignored)
    mask = with_ignored({name: value.numpy() for name, value in kept.items()}, dense.mask)
    onward = trained if question.search.continues else dense.start
    return rewound(mask, onward, question.at_level).to_answer(overlap_with_previous=mask.overlap(before))
