"""A ticket's signed mask on other initial weights (Find a Winning Sign, section 3.2).

|theta_init| sign(theta m) for every prunable weight; biases, normalisation and buffers are those of the other network.
A kept weight that is exactly zero has no sign, and is pruned.
"""

from __future__ import annotations

import numpy as np

from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.mask import Mask
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Workbench
from lth_engine.finders.rewound import rewound
from lth_engine.specs.controls import SignTransfer


def answer(question: SignTransfer, inputs: Inputs, bench: Workbench) -> Answer:
    """Lay mask and signs over the magnitudes of the other network."""
    ticket = Ticket.from_artifact(inputs[question.of.key])
    other = inputs[question.dense.key].group("start")
    mask = Mask({name: kept & (ticket.start[name] != 0) for name, kept in ticket.mask.items()})
    signed = {name: np.copysign(value, ticket.start[name]) if name in mask else value for name, value in other.items()}
    return rewound(mask, signed, question.level).to_answer()
