"""The help of a question's flags, from the declarations of its knobs."""

from __future__ import annotations

import inspect
import textwrap
import typing
from collections.abc import Mapping
from typing import Any

from lth_engine.cli.addresses import Setting, settings
from lth_engine.core.knob import knobs
from lth_engine.core.spec import Spec, catalogue
from lth_engine.core.step import Step

_KINDS = {int: "N", float: "X", str: "TEXT", Step: "STEP"}
_INDENT = " " * 30


def explain(question: Spec, pointing: Mapping[str, str] | None = None) -> str:
    """All flags of a question or another spec, grouped by the part that they set; parts can be exchanged by name.

    Args:
        question: the question.
        pointing: knobs that a flag points for, with what it may point to; what lies inside them is not listed.
    """
    pointing = pointing or {}
    groups: dict[tuple[str, ...], list[Setting]] = {}
    for setting in settings(question).values():
        if setting.path[0] not in pointing:
            groups.setdefault(setting.path[:-1], []).append(setting)
    points = {k.name: k for k in knobs(type(question)) if k.name in pointing}
    head = "\n".join(_flag(f"  --{name} ADDRESS", f"{k.help} {pointing[name]}.") for name, k in points.items())
    return "\n\n".join([*([head] if head else []), *(_group(path, members) for path, members in groups.items())])


def _group(path: tuple[str, ...], members: list[Setting]) -> str:
    owner = members[0].owner
    title = f"{'.'.join(path) or owner.name}: {owner.title or owner.name}"
    words = " ".join((inspect.getdoc(type(owner)) or "").split())
    about = textwrap.fill(words, 100, initial_indent="  ", subsequent_indent="  ")
    return "\n".join([title, about, *(_line(setting) for setting in members)])


def _line(setting: Setting) -> str:
    return _flag(f"  --{setting.dotted} {_kind(setting)}".rstrip(), _words(setting))


def _flag(flag: str, words: str) -> str:
    body = textwrap.fill(words, 100, initial_indent=_INDENT, subsequent_indent=_INDENT)
    return f"{flag:<30}" + body[len(_INDENT):] if len(flag) < 29 else f"{flag}\n{body}"


def _kind(setting: Setting) -> str:
    if setting.picks:
        return "NAME"
    if setting.knob.type is bool:
        return ""
    return "LIST" if typing.get_origin(setting.knob.type) is tuple else _KINDS[setting.knob.type]


def _words(setting: Setting) -> str:
    knob = setting.knob
    bounds = "one of " + ", ".join(catalogue(knob.type.family)) if setting.picks else knob.bounds
    facts = "; ".join(fact for fact in (bounds, f"now {_shown(setting.value)}") if fact)
    return f"{knob.help} [{facts}]"


def _shown(value: Any) -> str:
    if isinstance(value, Spec):
        return value.name
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value != "" else "empty"
