"""What differs between searches: the settings that are not the same in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lth_engine.core.knob import knobs
from lth_engine.core.spec import Spec
from lth_engine.specs.imported import Imported
from lth_engine.specs.phases import Same
from lth_engine.specs.questions import TicketSearch

PHASES = ("pretraining", "mask_search")
"""Knobs of the phases beside the training of the tickets."""

ABSENT = "-"
"""Stands where a search has no such setting."""


def differences(searches: Sequence[TicketSearch]) -> dict[str, list[str]]:
    """The settings that differ, by dotted path: one value in words for each search.

    A phase is compared by what it trains with, whether it has settings of its own or not; where members of a family
    differ, their settings are listed only as far as they are not at their defaults.
    """
    own = [phase for phase in PHASES if any(not isinstance(getattr(search, phase), Same) for search in searches)]
    flat = [_settings(search, own) for search in searches]
    return _differing(flat)


def differences_of_parts(wholes: Sequence[Mapping[str, Spec]]) -> dict[str, list[str]]:
    """As :func:`differences`, for things that consist of several specs each: name of the part -> spec."""
    return _differing([{path: cell for name, spec in parts.items()
                        for path, cell in ({name: (spec.name, False)} | _flat(spec, name)).items()}
                       for parts in wholes])


def share_seeds(first: TicketSearch, second: TicketSearch) -> bool:
    """Whether equal replicates of two searches begin with the same weights and see the same images in the same order,
    so that their runs can be compared in pairs."""
    alike = all(getattr(first, name) == getattr(second, name) for name in ("model", "data", "seed", "replicates"))
    return alike and not (first.search.brought or second.search.brought)  # nobody knows those of another lab


def _differing(flat: Sequence[Mapping[str, tuple[str, bool]]]) -> dict[str, list[str]]:
    paths = dict.fromkeys(path for values in flat for path in values)
    found = {path: [values.get(path, (ABSENT, True)) for values in flat] for path in paths}
    return {path: [words for words, _ in cells] for path, cells in found.items()
            if len({words for words, _ in cells}) > 1 and not _only_defaults(cells)}


def _only_defaults(cells: list[tuple[str, bool]]) -> bool:
    """Whether some search lacks the setting and the others hold its default."""
    return any(words == ABSENT for words, _ in cells) and all(default for _, default in cells)


def _settings(search: TicketSearch, phases: Sequence[str]) -> dict[str, tuple[str, bool]]:
    """Every setting in words by dotted path, and whether it is the default; of these phases, what they train with."""
    found = {path: cell for path, cell in _flat(search, "").items() if path.split(".")[0] not in PHASES}
    for phase in phases:
        found |= _flat(getattr(search, phase).training_like(search.training), phase)
    return found


def _flat(spec: Spec, above: str) -> dict[str, tuple[str, bool]]:
    found: dict[str, tuple[str, bool]] = {}
    for knob in knobs(type(spec)):
        value, path = getattr(spec, knob.name), f"{above}.{knob.name}" if above else knob.name
        if isinstance(value, Spec):
            found[path] = value.name, value.name == knob.default.name
            found |= _flat(value, path)
        elif isinstance(spec, Imported) and knob.name == "files":
            found[path] = f"{len(spec.files)} ({spec.key[:6]})", value == knob.default
        else:
            found[path] = _words(value), value == knob.default
    return found


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
