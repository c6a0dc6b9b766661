"""How networks were made, in the few words that set them apart: "SAM", "lr 0.1", "random mask"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lth_engine.core.knob import knobs
from lth_engine.core.spec import Spec, is_spec
from lth_engine.specs.controls import ControlTicket
from lth_engine.specs.differences import ABSENT, differences_of_parts
from lth_engine.specs.flatness import NoFlatness
from lth_engine.specs.question import Question
from lth_engine.specs.tickets import Run
from pages.ui.titles import density_of, network_words, run_words
from pages.ui.words import percent

_FLATNESS = "training.flatness"
_NOT_COMPARED = ("seed", "evaluate_every", "compile")
"""Last parts of the settings that make no other network, or only another replicate."""


def apart(runs: Sequence[Run]) -> list[str]:
    """What sets each run's making apart from the others', density and seeds left out; empty where nothing does.

    How flat minima are sought goes by its own name ("SAM"); where nothing is done for them, by the optimizer's.
    """
    found = differences_of_parts([_parts(run) for run in runs])
    found = {path: words for path, words in found.items() if not path.rsplit(".", 1)[-1].endswith(_NOT_COMPARED)}
    return [", ".join(filter(None, [_flatness(run) if _FLATNESS in found else "", *(
        _words(path, words[index]) for path, words in found.items()
        if path != _FLATNESS and words[index] != ABSENT and not _of_absent_flatness(path, run))]))
        for index, run in enumerate(runs)]


def named(questions: Sequence[Question]) -> dict[str, str]:
    """"A: SAM, 10.7 % (level 10), seed 0", "B: ...", by key: what sets answers about one network each apart."""
    runs = [run_of(question) for question in questions]
    networks = [network_words(run) for run in runs]
    alike = len(set(networks)) == 1
    own = {k.name for k in knobs(type(questions[0])) if not is_spec(k.type)
           and all(hasattr(question, k.name) for question in questions)
           and len({getattr(question, k.name) for question in questions}) > 1}
    return {q.key: f"{chr(ord('A') + index % 26)}: " + ", ".join(filter(None, [
        "" if alike else networks[index], how, run_words(runs[index]),
        *(f"{name.replace('_', ' ')} {str(getattr(q, name)).replace('_', ' ')}" for name in sorted(own))]))
        for index, (q, how) in enumerate(zip(questions, apart(runs), strict=True))}


def like_the_newest(known: Mapping[str, Question], free: Sequence[str] = ()) -> list[str]:
    """Keys of the questions that ask the same as the first one of networks of the same kind and images, oldest first.

    Args:
        known: questions by key, newest first.
        free: settings that may differ.
    """
    pattern = next(iter(known.values()))
    own = [k.name for k in knobs(type(pattern)) if not is_spec(k.type) and k.name not in free]
    found = [q.key for q in known.values() if type(q) is type(pattern)
             and network_words(run_of(q)) == network_words(run_of(pattern))
             and all(getattr(q, name) == getattr(pattern, name) for name in own)]
    return found[::-1]


def run_of(question: Question) -> Run:
    """The run that a question is about."""
    run = getattr(question, "of", None)
    assert isinstance(run, Run)
    return run


def density_words(run: Run) -> str:
    """The density of a run's ticket: "dense", "10.7 % kept", with the control's name if it is one."""
    density = density_of(run)
    words = "dense" if density == 1 else f"{percent(density)} kept"
    ticket = run.ticket
    return words + (f", {ticket.title[0].lower()}{ticket.title[1:]}" if isinstance(ticket, ControlTicket) else "")


def _parts(run: Run) -> dict[str, Spec]:
    dense = run.ticket.dense
    return {"model": dense.model, "data": dense.data, "training": run.training}


def _flatness(run: Run) -> str:
    flatness = run.training.flatness
    return run.training.optimizer.title if isinstance(flatness, NoFlatness) else flatness.title


def _of_absent_flatness(path: str, run: Run) -> bool:
    return path.startswith(f"{_FLATNESS}.") and isinstance(run.training.flatness, NoFlatness)


def _words(path: str, value: str) -> str:
    """One setting: "lr 0.1"; a member of a family by its name alone."""
    name = path.rsplit(".", 1)[-1]
    if path in ("model", "data") or name in ("optimizer", "schedule", "term"):
        return value.replace("_", " ")
    return f"{name.replace('_', ' ')} {value}"

