"""The network that a run ended with, as a ticket."""

from __future__ import annotations

from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.mask import Mask
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Workbench
from lth_engine.specs.tickets import Trained


def answer(question: Trained, inputs: Inputs, bench: Workbench) -> Answer:
    """Mask, weights and buffers of the run's end."""
    run = inputs[question.of.key]
    return Ticket(Mask(run.group("mask")), run.group("final"), question.level).to_answer()
