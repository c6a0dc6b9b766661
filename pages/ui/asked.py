"""Questions that the store answers or the queue holds, by kind."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from lth_engine.core.errors import BadInput
from lth_engine.specs.question import Question
from lth_engine.specs.questions import question_from_dict
from pages.ui.lab import lab

SHORTEST = 4
"""Fewest characters of a key that point to an answer; lists show six."""


def known_questions(kinds: Sequence[str]) -> dict[str, Question]:
    """Every question of these kinds that is answered or on the queue, by key, newest first."""
    here = lab()
    found = [(row.created, row.spec) for kind in kinds for row in here.store.list(kind)]
    found += [(job.submitted, dict(job.spec)) for job in here.queue.list() if job.kind in kinds]
    known: dict[str, Question] = {}
    for _, spec in sorted(found, key=lambda pair: -pair[0]):
        question = readable(spec)
        if question is not None:
            known.setdefault(question.key, question)
    return known


def question_of(key: str) -> Question | None:
    """The question that a key stands for, if the store or the queue knows it."""
    here = lab()
    row, job = here.store.rows([key]).get(key), here.queue.find(key)
    spec = row.spec if row is not None else dict(job.spec) if job is not None else None
    return readable(spec) if spec is not None else None


def key_of(text: str) -> str | None:
    """The one key of the store or the queue that begins so, as lists show its beginning; None if none or several do.
    """
    begin, here = text.strip().lower(), lab()
    if len(begin) < SHORTEST:
        return None
    if question_of(begin) is not None:
        return begin
    keys = {row.key for row in here.store.list()} | {job.key for job in here.queue.list()}
    found = [key for key in keys if key.startswith(begin)]
    return found[0] if len(found) == 1 else None


def readable(spec: Mapping[str, Any]) -> Question | None:
    """The question of a stored spec; None if a later version asked it in words that this one lacks."""
    return _read(json.dumps(spec))


@functools.lru_cache(maxsize=4096)
def _read(text: str) -> Question | None:
    try:
        return question_from_dict(json.loads(text))
    except BadInput:
        return None
