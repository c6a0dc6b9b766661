"""The question that a command line asks: a preset, a file or the default search, with flags on top."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lth_engine.cli.flags import apply_flags, read_flags
from lth_engine.cli.pointing import pointed
from lth_engine.core.errors import BadInput, UnknownName
from lth_engine.core.spec import catalogue
from lth_engine.specs.presets import presets
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch, question_from_dict


@dataclass(frozen=True)
class Begun:
    """Where a question of the command line begins: at most one of the three is given.

    Attributes:
        spec: JSON file of a question.
        preset: name of a preset.
        question: name of a kind of question.
    """

    spec: Path | None = None
    preset: str | None = None
    question: str | None = None


def ask(begun: Begun, tokens: Sequence[str], store: Path, options: tuple[str, ...] = ()) -> Question:
    """The question of a verb.

    Args:
        begun: what the flags override.
        tokens: what is left of the command line: settings that override.
        store: folder of the store, where flags point to networks.
        options: flags of the verb itself, for the hint when a name is wrong.

    Raises:
        BadInput: the file, the preset or a flag is not understood.
    """
    question, flags = pointed(base(begun), read_flags(tokens), store)
    return known_images(apply_flags(question, flags, options))


def base(begun: Begun) -> Question:
    """What the flags override. Raises as :func:`ask`."""
    given = [f"--{name}" for name, value in vars(begun).items() if value is not None]
    if len(given) > 1:
        raise BadInput(f"{' and '.join(given)} exclude each other. Give one of them.")
    if begun.spec is not None:
        return read_question(begun.spec)
    if begun.question is not None:
        return _kind(begun.question)
    return TicketSearch() if begun.preset is None else _preset(begun.preset)


def _kind(name: str) -> Question:
    """A question of this kind with its defaults."""
    known = catalogue("question")
    if name not in known:
        raise UnknownName("question", name, known)
    return cast(Question, known[name]())


def read_question(path: Path) -> Question:
    """The question that a JSON file describes.

    Raises:
        BadInput: there is no such file, it is not JSON, or it is no question.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}). Name a JSON file with a question.") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} is not JSON ({error}). Correct it, or start from `show KEY --json`.") from error
    if not isinstance(values, dict):
        raise BadInput(f'{path} must hold one question, {{"name": ..., settings}}. Got a {type(values).__name__}.')
    return question_from_dict(values)


def known_images(question: Question) -> Question:
    """The question with the fingerprint of every set of own images filled in, and its path made absolute.

    Raises:
        BadInput: there are no images at the path.
    """
    values = question.to_dict()
    return question_from_dict(values) if _fill(values) else question


def _fill(values: dict[str, Any]) -> bool:
    filled = False
    if values.get("name") == "own_images" and "fingerprint" in values and not values["fingerprint"]:
        from lth_engine.core.fingerprint import fingerprint

        path = Path(values["path"])
        values["fingerprint"] = fingerprint(path)
        values["path"] = str(path.expanduser().resolve())
        filled = True
    for part in values.values():
        if isinstance(part, dict):
            filled |= _fill(part)
    return filled


def _preset(name: str) -> Question:
    known = presets()
    if name not in known:
        raise UnknownName("preset", name, known)
    return known[name].question
