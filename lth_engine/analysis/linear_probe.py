"""How well a linear classifier reads the classes off the features of a frozen network, on its own images."""

from __future__ import annotations

from dataclasses import replace

from lth_engine.analysis.features.classifier import trained
from lth_engine.analysis.features.frozen import require_possible
from lth_engine.analysis.features.second_opinion import second_opinion
from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.workbench import Workbench
from lth_engine.specs.features import LinearProbe

EARLY = 0.05
"""How far scikit-learn's accuracy may lie above the classifier's before it is said to have stopped early: a choice,
well above the point or two by which two sound classifiers differ."""


def before(question: LinearProbe, bench: Workbench) -> None:
    """Refuse what the images do not allow; see :func:`require_possible`."""
    require_possible(question, bench)


def answer(question: LinearProbe, inputs: Inputs, bench: Workbench) -> Answer:
    """Train the classifier (see :func:`trained`); opinion_accuracy and opinion_note are scikit-learn's."""
    found, features = trained(question, inputs, bench)
    if not question.second_opinion:
        return found
    accuracy, note = second_opinion(features.train, features.test, bench)
    own = found.summary["test_accuracy"]
    assert isinstance(own, float)
    if accuracy - own > EARLY:
        note = " ".join([*([note] if note else []), "The classifier stopped early: logistic regression reads "
                         f"{100 * (accuracy - own):.0f} points more off the same features. Train it longer "
                         "(training.length)."])
    return replace(found, summary={**found.summary, "opinion_accuracy": accuracy, "opinion_note": note})
