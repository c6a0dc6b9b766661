"""The ticket that a search finds at one level: the search's mask on the weights of the rewind point."""

from __future__ import annotations

import importlib

import torch

from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.mask import Mask
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Workbench
from lth_engine.finders.rewound import rewound, with_ignored
from lth_engine.masking.prunable import without_ignored
from lth_engine.specs.questions import FoundTicket


def answer(question: FoundTicket, inputs: Inputs, bench: Workbench) -> Answer:
    """Ask the search for the mask, and lay it over the dense network at the rewind point."""
    dense = Ticket.from_artifact(inputs[question.start.key])
    run = question.reads()
    search = importlib.import_module(f"{question.search.package}.{question.search.name}")
    read = None if run is None else inputs[run.key]
    names = without_ignored(dense.mask, question.search.ignore)
    weights = dense.start if read is None else read.group("final")
    before = dense.mask if read is None else Mask(read.group("mask"))
    kept = search.find(question, {n: torch.from_numpy(weights[n]) for n in names},
                       {n: torch.tensor(before[n]) for n in names})
    mask = with_ignored({name: value.numpy() for name, value in kept.items()}, dense.mask)
    return rewound(mask, dense.start, question.at_level).to_answer(overlap_with_previous=mask.overlap(before))
