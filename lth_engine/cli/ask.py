"""The question that a command line asks: a preset, a file or the default search, with flags on top."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lth_engine.cli.flags import apply_flags, read_flags
from lth_engine.core.errors import BadInput, UnknownName
from lth_engine.specs.presets import presets
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch, question_from_dict


def ask(spec: Path | None, preset: str | None, tokens: Sequence[str], options: tuple[str, ...] = ()) -> Question:
    """The question of a verb.

    Args:
        spec: JSON file of a question.
        preset: name of a preset; not together with `spec`.
        tokens: what is left of the command line: settings that override.
        options: flags of the verb itself, for the hint when a name is wrong.

    Raises:
        BadInput: the file, the preset or a flag is not understood.
    """
    return known_images(apply_flags(base(spec, preset), read_flags(tokens), options))


def base(spec: Path | None, preset: str | None) -> Question:
    """What the flags override. Raises as :func:`ask`."""
    if spec is not None and preset is not None:
        raise BadInput("--spec and --preset exclude each other. Give one of them.")
    if spec is not None:
        return read_question(spec)
    return TicketSearch() if preset is None else _preset(preset)


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
