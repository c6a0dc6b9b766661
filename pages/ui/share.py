"""A question as a link, as a JSON file and as a command line."""

from __future__ import annotations

import base64
import binascii
import json
import shlex
import zlib
from collections.abc import Iterator
from typing import Any

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knobs
from lth_engine.core.spec import Spec
from lth_engine.specs.phases import Own
from lth_engine.specs.questions import TicketSearch, question_from_dict

LONGEST_LINK = 1500
"""Characters of a link beyond which mail programs cut it."""

_LARGEST = 100_000


def to_text(search: TicketSearch) -> str:
    """A search as a short text for an address: its JSON, deflated, in base64 for URLs."""
    packed = zlib.compress(json.dumps(search.to_dict(), separators=(",", ":")).encode(), 9)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def from_text(text: str) -> TicketSearch:
    """The search back from :func:`to_text`.

    Raises:
        BadInput: the text is no search.
    """
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        raw = zlib.decompressobj().decompress(packed, _LARGEST)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise BadInput("The link does not hold a question; it may have been cut. Ask for it again.") from error
    return from_json(raw)


def from_json(raw: bytes) -> TicketSearch:
    """The search that a JSON file describes.

    Raises:
        BadInput: it is not JSON, or no ticket search.
    """
    try:
        values = json.loads(raw)
        json.dumps(values, ensure_ascii=False).encode()  # refuses half characters, which no page can show
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The question is not JSON ({error}). Choose one that this page has saved.") from error
    if not isinstance(values, dict):
        raise BadInput('The file must hold one question, {"name": "ticket_search", ...}. Choose another.')
    question = _question(values)
    if not isinstance(question, TicketSearch):
        raise BadInput(f"The file asks for a {question.name}; this page, for a ticket_search. Choose another.")
    return question


def _question(values: dict[str, Any]) -> Spec:
    try:
        return question_from_dict(values)
    except RecursionError as error:
        raise BadInput("The question is nested too deeply. Choose one that this page has saved.") from error


def command(search: TicketSearch, preset: str | None = None, base: TicketSearch | None = None) -> str:
    """The same question on the command line: a preset (if it helps) and the settings that differ."""
    words = ["python", "-m", "lth_engine", "answer", *(["--preset", preset] if preset else [])]
    for path, value in _differences(search, base or TicketSearch(), search):
        words += [f"--{path}", value]
    return shlex.join(words)


def _differences(spec: Spec, base: Spec, search: TicketSearch, above: str = "") -> Iterator[tuple[str, str]]:
    """Flags that turn `base` into `spec`: a member that is picked anew begins with its defaults, a phase with the
    training of the search."""
    if type(spec) is not type(base):
        yield above, spec.name
        base = Own(training=search.training) if isinstance(spec, Own) else type(spec)()
    for knob in knobs(type(spec)):
        value, before = getattr(spec, knob.name), getattr(base, knob.name)
        path = f"{above}.{knob.name}" if above else knob.name
        if isinstance(value, Spec):
            yield from _differences(value, before, search, path)
        elif value != before:
            yield path, _shown(value)


def flags(value: Any, base: Any, path: str) -> Iterator[tuple[str, str]]:
    """Flags that turn one setting from `base` into `value`; a spec may take several."""
    if isinstance(value, Spec):
        yield from _differences(value, base, TicketSearch(), path)
    elif value != base:
        yield path, _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
