"""Control: the ticket's weights under a random mask of the same number of weights."""

from __future__ import annotations

import torch

from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.seeds import derive
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Workbench
from lth_engine.finders.rewound import rewound, with_ignored
from lth_engine.masking.allocate import allocate
from lth_engine.scorers.random import score
from lth_engine.scorers.subject import Subject
from lth_engine.specs.controls import RandomMask
from lth_engine.specs.scorers import RandomScore


def answer(question: RandomMask, inputs: Inputs, bench: Workbench) -> Answer:
    """Draw as many weights as the ticket keeps, uniformly over the layers that the ticket may prune."""
    ticket = Ticket.from_artifact(inputs[question.of.key])
    dense = inputs[question.dense.key].group("start")
    weights = {name: torch.from_numpy(dense[name]) for name in ticket.mask if name not in question.of.search.ignore}
    scores = score(RandomScore(), Subject(weights, {}, derive(question.seed, "random mask")))
    kept = allocate(scores, sum(int(ticket.mask[name].sum()) for name in weights))
    mask = with_ignored({name: value.numpy() for name, value in kept.items()}, ticket.mask)
    return rewound(mask, dense, question.level).to_answer(overlap_with_ticket=mask.overlap(ticket.mask))
