"""A ticket's mask, signs and normalisation on other initial weights, each the ticket's or drawn anew (Find a Winning
Sign, section 3.2 and figure 2).

All three begin from |theta_init| and the buffers of the other network. With the ticket's mask and signs they are
|theta_init| sign(theta m) for every prunable weight; a kept weight that is exactly zero has no sign, and is pruned.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lth_engine.core.artifact import Answer, Array, Inputs
from lth_engine.core.mask import Mask
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Workbench
from lth_engine.finders.rewound import rewound
from lth_engine.finders.shuffled_mask import shuffled
from lth_engine.specs.controls import SignTransfer
from lth_engine.training.material import material, network
from lth_engine.training.norm_interpolation import norm_parameters


def answer(question: SignTransfer, inputs: Inputs, bench: Workbench) -> Answer:
    """Lay what is kept of the ticket over the other network."""
    ticket = Ticket.from_artifact(inputs[question.of.key])
    start: dict[str, Array] = dict(inputs[question.dense.key].group("start"))
    mask = ticket.mask if question.mask else shuffled(ticket.mask, question.seed)
    if question.signs:
        signs = _signs(question, ticket, inputs)
        mask = Mask({name: kept & (signs[name] != 0) for name, kept in mask.items()})
        start |= {name: np.copysign(start[name], signs[name]) for name in mask}
    if question.norms:
        facts = material(question.dense.data, bench).facts
        names = norm_parameters(network(question.dense.model, facts, 0, "cpu"))
        start |= {name: ticket.start[name] for name in names}
    return rewound(mask, start, question.level).to_answer()


def _signs(question: SignTransfer, ticket: Ticket, inputs: Inputs) -> Mapping[str, Array]:
    """Weights whose signs count: the ticket's, and where it pruned those of the network that it descends from (which
    matter under another mask alone)."""
    if question.mask:
        return ticket.start
    own = inputs[question.of.dense.key].group("start")
    return {name: np.where(kept, ticket.start[name], own[name]) for name, kept in ticket.mask.items()}
