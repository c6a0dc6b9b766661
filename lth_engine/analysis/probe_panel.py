"""Linear probes of a ticket and its baselines, gathered."""

from __future__ import annotations

from lth_engine.analysis.features.frozen import require_possible
from lth_engine.analysis.features.panel import gathered
from lth_engine.analysis.ticket_search import require_askable
from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.workbench import Workbench
from lth_engine.specs.features import ProbePanel


def before(question: ProbePanel, bench: Workbench) -> None:
    """Refuse what the images do not allow, for all variants see the same ones in the same way, and a level that the
    search cannot reach."""
    require_askable(question.of, question.level, bench)
    require_possible(next(iter(question.asked().values())), bench)


def answer(question: ProbePanel, inputs: Inputs, bench: Workbench) -> Answer:
    """See :func:`gathered`; table/opinion_accuracy is that of scikit-learn's logistic regression."""
    return gathered(question, inputs, ("test_accuracy", "opinion_accuracy"))
