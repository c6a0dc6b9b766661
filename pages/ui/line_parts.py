"""Lines that were measured as a part of another answer: siblings, a path of levels, a search for a stable point."""

from __future__ import annotations

import functools

from lth_engine.core.artifact import texts
from lth_engine.specs.connecting import Connectivity, LevelPath, Siblings
from lth_engine.specs.question import Question
from lth_engine.specs.stability import FirstStablePoint
from pages.ui.asked import known_questions
from pages.ui.lab import lab
from pages.ui.reading import read_arrays

_WHOLES = (Siblings.name, LevelPath.name, FirstStablePoint.name)


def parts_of_others() -> set[str]:
    """Keys of the lines that belong to an answer of several; a line that was also asked for itself is not among them.
    """
    wholes = known_questions(_WHOLES)
    found = {key for question in wholes.values() for key in _lines(question)}
    return found - {job.key for job in lab().queue.list() if job.kind == Connectivity.name}


def _lines(question: Question) -> frozenset[str]:
    if isinstance(question, Siblings | LevelPath):
        return _declared(question)
    if not isinstance(question, FirstStablePoint):
        return frozenset()
    if lab().store.has([question.key]):
        return frozenset(texts(read_arrays(question.key, "trail")["key"]))
    return frozenset(line.key for line in question.further(lab().store.summary))


@functools.lru_cache(maxsize=1000)
def _declared(question: Siblings | LevelPath) -> frozenset[str]:
    return frozenset(line.key for line in question.lines())
