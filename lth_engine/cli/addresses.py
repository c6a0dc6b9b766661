"""The settings of a question by dotted path, and which of them a flag means."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import Knob, knobs
from lth_engine.core.spec import Spec, catalogue, is_family, is_spec
from lth_engine.specs.phases import PhaseSpec


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
    """The setting that a flag's name means: a whole path, or what fits exactly one.

    A phase's own settings are meant only if nothing else fits: --length is that of the training that is reported,
    --mask-search.length that of the mask search.

    Raises:
        BadInput: the name fits several paths.
    """
    name = name.replace("-", "_")
    if name in known:
        return known[name]
    ends = _meant(name, known)
    if len(ends) > 1:
        raise BadInput(f"--{name} could be {' or '.join('--' + path for path in ends)}. Write one of them.")
    return known[ends[0]] if ends else None


def unknown(name: str, known: Mapping[str, Setting], options: tuple[str, ...]) -> BadInput:
    """The error about a flag that means nothing, with the nearest one or the member that has it."""
    plain = name.replace("-", "_")
    inside = next((path for path in known if f".{path}".find(f".{plain}.") >= 0), None)
    if inside is not None:
        return BadInput(f"Unknown flag --{name}. It is a group of settings: set one of them, like --{inside}.")
    found = _elsewhere(plain, known)
    if found is not None:
        setting, member = found
        pick = _spoken(setting, known)
        return BadInput(f"--{name} is a setting of {member}, but --{pick} is {setting.value.name}. Add --{pick} "
                        f"{member}, or leave it out.")
    words = [*known, *(path.rpartition(".")[2] for path in known), *options]
    near = difflib.get_close_matches(plain, words, n=1)
    hint = f" Did you mean --{near[0]}?" if near else ""
    return BadInput(f"Unknown flag --{name}.{hint} The flags are listed by --help.")


def _meant(name: str, known: Mapping[str, Setting]) -> list[str]:
    """The paths that fit a name; those inside a phase only if there are no others."""
    ends = [path for path in known if _fits(path, name)]
    return [path for path in ends if not _in_phase(path, known)] or ends


def _fits(path: str, name: str) -> bool:
    """Whether a path ends with the words of a name, or begins and ends so: mask_search.length for
    mask_search.training.length."""
    words, left = name.split("."), iter(path.split("."))
    if f".{path}".endswith("." + name):
        return True
    return len(words) > 1 and path.startswith(words[0] + ".") and path.endswith("." + words[-1]) and all(
        word in left for word in words)


def _in_phase(path: str, known: Mapping[str, Setting]) -> bool:
    """Whether a path leads through a phase with settings of its own."""
    parts = path.split(".")
    above = (known.get(".".join(parts[:end])) for end in range(1, len(parts)))
    return any(s is not None and s.knob.type.family == PhaseSpec.family for s in above)


def _elsewhere(name: str, known: Mapping[str, Setting]) -> tuple[Setting, str] | None:
    """The pick, and the member that it would have to be, for the name to be a setting; the shortest path of all."""
    found: list[tuple[int, Setting, str]] = []
    for setting in known.values():
        if setting.picks:
            for member, cls in catalogue(setting.knob.type.family).items():
                if member != setting.value.name:
                    paths = [s.path for path, s in settings(cls(), setting.path).items() if _fits(path, name)]
                    found += [(len(path), setting, member) for path in paths]
    return min(found, key=lambda entry: entry[0])[1:] if found else None


def _spoken(setting: Setting, known: Mapping[str, Setting]) -> str:
    """The shortest name that means a setting."""
    return setting.path[-1] if _meant(setting.path[-1], known) == [setting.dotted] else setting.dotted
