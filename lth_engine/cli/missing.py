"""Answers that should be in a store and are not, with the command that computes each again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

from lth_engine.core.artifact import Artifact
from lth_engine.core.errors import BadInput
from lth_engine.core.spec import Spec
from lth_engine.specs.questions import question_from_dict
from lth_engine.store.store import Store


class Missing:
    """Collects what the answers of a store were made of; :meth:`lines` says what of it is not there."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._children: dict[str, list[str]] = {}
        self._specs: dict[str, Mapping[str, object]] = {}

    def add(self, artifact: Artifact) -> None:
        """An answer that is there; its parents should be there too."""
        for key in artifact.parents.keys() - self._store.has(artifact.parents):
            self._children.setdefault(key, []).append(artifact.key)
            self._specs[artifact.key] = artifact.spec

    def lines(self) -> list[str]:
        """One sentence and a command for each answer that is missing, each once."""
        aside = {path.name.partition(".")[0]: path for path in self._store.set_aside()}
        for key in self._store.has(aside):
            del aside[key]
        found = []
        for key in sorted(self._children.keys() | aside.keys()):
            why = f" (a damaged file of it is kept as {aside[key].name})" if key in aside else ""
            children = self._children.get(key, [])
            used = f"; {len(children)} stored answer(s) were made of it" if children else ""
            found.append(f"{key} is missing{why}{used}. {self._remedy(key, children)}")
        return found

    def _remedy(self, key: str, children: list[str]) -> str:
        for child in children:
            question = _input(self._specs[child], key, self._store)
            if question is not None:
                return f"Compute it again with: {command(question, self._store.root)}"
        return "Ask its question again."


def command(question: Spec, store: Path) -> str:
    """A line for a shell that computes the answer to a question."""
    spec = json.dumps(question.to_dict(), separators=(",", ":"))
    return (f"printf %s {shlex.quote(spec)} | python -m lth_engine answer --store {shlex.quote(str(store))} "
            "--spec /dev/stdin")


def _input(spec: Mapping[str, object], key: str, store: Store) -> Spec | None:
    """The input of a question that has this key; None if an older version of the lab asked it otherwise."""
    try:
        question = question_from_dict(dict(spec))
    except BadInput:
        return None
    return next((one for one in question.needs(store.summary) if one.key == key), None)
