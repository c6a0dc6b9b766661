"""Answers about one place of the loss: the same network, the same images, the same weights that may move."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, cast

from lth_engine.core.knob import knobs
from lth_engine.specs.curvature import AtNetwork
from lth_engine.specs.question import Question
from pages.ui import lab
from pages.ui.titles import run_words

Kind = TypeVar("Kind", bound=AtNetwork)

SHARED = tuple(k.name for k in knobs(AtNetwork) if k.name not in ("weights", "seed"))
"""Settings that the answers about one place have in common."""


def place_of(question: AtNetwork) -> tuple[object, ...]:
    """What the answers about a place share."""
    return tuple(question.of.key if name == "of" else getattr(question, name) for name in SHARED)


def by_place(questions: Sequence[Question]) -> list[list[AtNetwork]]:
    """The questions, those about one place together, in the order of the first of each."""
    found: dict[tuple[object, ...], list[AtNetwork]] = {}
    for question in questions:
        if isinstance(question, AtNetwork):
            found.setdefault(place_of(question), []).append(question)
    return list(found.values())


def companion(kind: type[Kind], beside: AtNetwork, weights: str, known: Iterable[Question], **begin: Any) -> Kind:
    """The question of a kind about the same place: one that is answered, else one that is queued, else a new one.

    Args:
        kind: its class.
        beside: a question about the place.
        weights: "kept" or "all".
        known: questions to look among, the preferred ones first.
        begin: settings of a new one that are not to be the default.
    """
    place = place_of(beside)
    fitting = [cast(Kind, q) for q in known
               if type(q) is kind and cast(AtNetwork, q).weights == weights and place_of(cast(AtNetwork, q)) == place]
    held = lab.lab().store.has([q.key for q in fitting])
    for question in [*(q for q in fitting if q.key in held), *fitting]:
        return question
    return kind(**{name: getattr(beside, name) for name in SHARED}, weights=weights, seed=beside.seed, **begin)


def place_words(question: AtNetwork) -> str:
    """What is looked at besides the network: "1,024 training images, evaluation-mode normalisation"."""
    count = "all" if question.images == 0 else f"{question.images:,}"
    words = [f"{count} {'training' if question.part == 'train' else 'test'} images, drawn once"
             if question.images else f"all {'training' if question.part == 'train' else 'test'} images",
             "where the run " + ("ended" if question.at == "end" else "started")]
    if question.norm_statistics == "batch":
        words.append("normalised with the statistics of the batch")
    if question.layer:
        words.append(f"only {question.layer} moves")
    if not question.biases:
        words.append("biases and normalisation held fast")
    return ", ".join(words)


def network_words(question: AtNetwork) -> str:
    """Which network it is: density, control, seeds."""
    return run_words(question.of)


WEIGHTS = {"kept": "Kept weights", "all": "All weights"}
"""What the directions are called in which a network may move."""

MEANING = {"kept": "The Hessian with the mask inside the graph: pruned weights stay 0.",
           "all": "Pruned weights may move, too."}
