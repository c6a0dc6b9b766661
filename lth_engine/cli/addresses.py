"""The settings of a question by dotted path, and which of them a flag means."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import Knob, knobs
from lth_engine.core.spec import Spec, catalogue, is_family, is_spec


@dataclass(frozen=True)
class Setting:
    """One knob of a question or of a part of it.

    Attributes:
        path: names from the question down, ("training", "optimizer", "lr").
        owner: the spec that declares it.
        knob: the declaration.
        value: what it is now.
    """

    path: tuple[str, ...]
    owner: Spec
    knob: Knob
    value: Any

    @property
    def dotted(self) -> str:
        """The path as a flag has it."""
        return ".".join(self.path)

    @property
    def picks(self) -> bool:
        """Whether it picks a member of a family."""
        return is_family(self.knob.type)


def settings(spec: Spec, above: tuple[str, ...] = ()) -> dict[str, Setting]:
    """Every setting of a question by dotted path, the outer ones first; parts made of settings are
    listed only if they can be picked."""
    here = [Setting((*above, k.name), spec, k, getattr(spec, k.name)) for k in knobs(type(spec))]
    found = {s.dotted: s for s in here if s.picks or not is_spec(s.knob.type)}
    for part in here:
        if is_spec(part.knob.type):
            found |= settings(part.value, part.path)
    return found


def resolve(name: str, known: Mapping[str, Setting]) -> Setting | None:
    """The setting that a flag's name means: a whole path, or the end of exactly one.

    Raises:
        BadInput: the name is the end of several paths.
    """
    name = name.replace("-", "_")
    if name in known:
        return known[name]
    ends = [path for path in known if path.endswith("." + name)]
    if len(ends) > 1:
        raise BadInput(f"--{name} could be {' or '.join('--' + path for path in ends)}. Write one of them.")
    return known[ends[0]] if ends else None


def unknown(name: str, known: Mapping[str, Setting], options: tuple[str, ...]) -> BadInput:
    """The error about a flag that means nothing, with the nearest one or the member that has it."""
    last = name.replace("-", "_").rpartition(".")[2]
    for setting in known.values():
        if setting.picks:
            for member, cls in catalogue(setting.knob.type.family).items():
                if member != setting.value.name and last in {k.name for k in knobs(cls)}:
                    return BadInput(f"--{name} is a setting of {member}, but --{setting.path[-1]} is "
                                    f"{setting.value.name}. Add --{setting.path[-1]} {member}, or leave it out.")
    words = [*known, *(path.rpartition(".")[2] for path in known), *options]
    near = difflib.get_close_matches(name.replace("-", "_"), words, n=1)
    hint = f" Did you mean --{near[0]}?" if near else ""
    return BadInput(f"Unknown flag --{name}.{hint} The flags are listed by --help.")
