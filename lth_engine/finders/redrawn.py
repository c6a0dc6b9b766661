"""Control: the ticket's mask on another draw of the initial weights."""

from __future__ import annotations

from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Workbench
from lth_engine.finders.rewound import rewound
from lth_engine.specs.controls import Redrawn


def answer(question: Redrawn, inputs: Inputs, bench: Workbench) -> Answer:
    """Lay the ticket's mask over the other network."""
    ticket = Ticket.from_artifact(inputs[question.of.key])
    return rewound(ticket.mask, inputs[question.dense.key].group("start"), question.level).to_answer()
