"""Questions worth asking, ready made: one JSON file each in assets/presets, with the reason for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from lth_engine.core.errors import BadInput, UnknownName
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch, question_from_dict

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "presets"


@dataclass(frozen=True)
class Preset:
    """A question with a name and a reason.

    Attributes:
        name: the file's name, and the word for `--preset`.
        title: a few words for lists.
        reason: one sentence: why it is worth asking.
        fails: one sentence on why it cannot give a winning ticket; empty if nothing is known to be wrong.
        question: what is asked.
    """

    name: str
    title: str
    reason: str
    fails: str
    question: Question


def presets(folder: Path = FOLDER) -> dict[str, Preset]:
    """All presets by name, in the order that their files give.

    Raises:
        BadInput: a file is not a preset; the text names it.
    """
    read = sorted((_read(path) for path in folder.glob("*.json")), key=lambda pair: (pair[0], pair[1].name))
    return {preset.name: preset for _, preset in read}


def question_for_preset(name: str) -> TicketSearch:
    """The ticket search of a preset.

    Raises:
        UnknownName: no preset is called so.
        BadInput: the preset asks something else.
    """
    known = presets()
    if name not in known:
        raise UnknownName("preset", name, known)
    question = known[name].question
    if not isinstance(question, TicketSearch):
        raise BadInput(f"The preset {name} is a {question.name}, not a ticket_search. Ask it with --spec.")
    return question


def _read(path: Path) -> tuple[int, Preset]:
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
        return int(text["order"]), Preset(path.stem, text["title"], text["reason"], text.get("fails", ""),
                                          question_from_dict(text["spec"]))
    except (ValueError, KeyError, TypeError, BadInput) as error:
        raise BadInput(f"The preset {path.name} cannot be read ({error}). Correct or remove it.") from error
