"""From flags to a question: families by name, knobs by path, checked by the specs themselves."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lth_engine.cli.addresses import Setting, resolve, settings, unknown
from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knobs
from lth_engine.core.spec import Spec, from_dict
from lth_engine.specs.phases import Own, PhaseSpec
from lth_engine.specs.questions import TicketSearch

Asked = TypeVar("Asked", bound=Spec)

TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")


@dataclass(frozen=True)
class Flag:
    """`--name words...` as it was typed."""

    name: str
    words: tuple[str, ...]


def read_flags(tokens: Sequence[str]) -> list[Flag]:
    """Cut "--a 1 --b=2 --c" into flags.

    Raises:
        BadInput: a word that belongs to no flag, or a flag given twice.
    """
    flags: list[Flag] = []
    for token in tokens:
        if token.startswith("--") and len(token) > 2:
            name, equals, value = token[2:].partition("=")
            flags.append(Flag(name, (value,) if equals else ()))
        elif flags:
            flags[-1] = Flag(flags[-1].name, (*flags[-1].words, token))
        else:
            raise BadInput(f"{token!r} belongs to no flag. Settings are written like --levels 10.")
    for flag in flags:
        if sum(flag.name == other.name for other in flags) > 1:
            raise BadInput(f"--{flag.name} is given twice. Give it once.")
    return flags


def apply_flags(question: Asked, flags: Sequence[Flag], options: tuple[str, ...] = ()) -> Asked:
    """The question, or another spec, with the flags applied: first the members picked, from the outside in, then their
    settings.

    Flags of a phase come last: settings of its own begin as those of the training that is reported.

    Args:
        question: what the flags override.
        flags: as typed, in any order.
        options: other flags of the verb, for the hint when a name is wrong.

    Raises:
        BadInput: a flag that means nothing here, or a value that is not allowed.
    """
    phases = {k.name for k in knobs(type(question)) if k.type is PhaseSpec}
    late = [flag for flag in flags if flag.name.replace("-", "_").partition(".")[0] in phases]
    if late:  # a rewind point may suit the phases as they will be, and not as they are
        late += [flag for flag in flags if flag.name.rpartition(".")[2] == "rewind"]
    for some in ([flag for flag in flags if flag not in late], late):
        question = _applied(question, some, options)
    return question


def _applied(question: Asked, flags: Sequence[Flag], options: tuple[str, ...]) -> Asked:
    left = list(flags)
    while True:
        known = settings(question)
        picks = [(f, s) for f in left if (s := resolve(f.name, known)) is not None and s.picks]
        if not picks:
            break
        pick = min(picks, key=lambda pair: len(pair[1].path))
        left.remove(pick[0])
        question = _picked(question, *pick)
    values = question.to_dict()
    used: dict[str, str] = {}
    for flag in left:
        setting, negated = _meant(flag.name, known, options)
        if setting.dotted in used:
            raise BadInput(f"--{used[setting.dotted]} and --{flag.name} are the same setting. Give one of them.")
        used[setting.dotted] = flag.name
        _put(values, setting.path, False if negated and not flag.words else _value(setting, flag))
    return type(question).from_dict(values)


def _meant(name: str, known: Mapping[str, Setting], options: tuple[str, ...]) -> tuple[Setting, bool]:
    """The setting that a flag means, and whether it was written as --no-...; BadInput if it means nothing."""
    setting = resolve(name, known)
    if setting is not None:
        return setting, False
    setting = resolve(name.removeprefix("no-"), known) if name.startswith("no-") else None
    if setting is None or setting.knob.type is not bool:
        raise unknown(name, known, options)
    return setting, True


def _picked(question: Asked, flag: Flag, setting: Setting) -> Asked:
    """The question with another member of a family; its settings are the member's defaults (those of a phase: the
    settings of the training that is reported)."""
    if len(flag.words) != 1:
        raise BadInput(f"--{flag.name} takes one name. Got {' '.join(flag.words) or 'none'}.")
    if flag.words[0] == setting.value.name:
        return question
    member = from_dict(setting.knob.type.family, flag.words[0])
    if isinstance(member, Own) and isinstance(question, TicketSearch):
        member = member.replace(training=question.training)
    values = question.to_dict()
    _put(values, setting.path, member.to_dict())
    return type(question).from_dict(values)


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        values = values[name]
    values[path[-1]] = value


def _value(setting: Setting, flag: Flag) -> Any:
    """The words of a flag as the plain value of its knob; ranges are checked when the spec is built."""
    kind = setting.knob.type
    if typing.get_origin(kind) is tuple:
        words = [part for word in flag.words for part in word.split(",") if part]
        return [] if words == ["none"] else words
    if kind is bool:
        return _truth(flag)
    if len(flag.words) != 1:
        raise BadInput(f"--{flag.name} takes one value. Got {' '.join(flag.words) or 'none'}.")
    word = flag.words[0]
    if kind in (int, float):
        return _number(setting, kind, word)
    return word


def _number(setting: Setting, kind: type, word: str) -> Any:
    try:
        return kind(word)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise BadInput(f"{setting.owner.name}.{setting.knob.name} must be {what}. Got {word!r}.") from None


def _truth(flag: Flag) -> bool:
    words = [word.lower() for word in flag.words]
    if words == [] or (len(words) == 1 and words[0] in TRUE):
        return True
    if len(words) == 1 and words[0] in FALSE:
        return False
    raise BadInput(f"--{flag.name} is true or false. Got {' '.join(flag.words)}.")
