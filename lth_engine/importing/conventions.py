"""Names of layers in one definition of a network, rewritten into the lab's by rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lth_engine.importing.skeleton import Shapes


@dataclass(frozen=True)
class Rule:
    """How a layer's name is rewritten.

    Attributes:
        pattern: fits the whole name; groups `s` and `i` are numbers that order the layers (stage, index), other named
            groups may stand in the template.
        template: the lab's name. "{n}" is the layer's rank from 0, and "{m}" from 1, among all layers whose template
            begins alike.
        dims: only layers whose weight has so many dimensions (4 convolution, 2 linear, 1 normalisation).
        last: the name of the layer of highest rank instead.
    """

    pattern: str
    template: str
    dims: int | None = None
    last: str = ""

    @property
    def counter(self) -> str:
        """What the rank is counted in; the whole template where no rank stands in it."""
        return re.sub(r"\{[nm]\}.*", "#", self.template)


@dataclass(frozen=True)
class Convention:
    """One definition's names.

    Attributes:
        family: the lab's spec, by name.
        rules: the first that fits a layer decides.
        knobs: what these names tell of the network and its shapes do not.
        words: the same, for the variant.
        caveat: what that definition computes otherwise than the lab's network; such a file is never taken for it.
    """

    family: str
    rules: Sequence[Rule]
    knobs: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""
    caveat: str = ""

    def renaming(self, shapes: Shapes) -> dict[str, str]:
        """Name in the file -> the lab's name, for every name that a rule fits."""
        layers = _layers(shapes)
        found: dict[str, tuple[Rule, re.Match[str]]] = {}
        for layer, leaves in layers.items():
            dims = len(shapes[f"{layer}.weight"]) if "weight" in leaves else None
            for rule in self.rules:
                fits = rule.dims is None or rule.dims == dims
                if fits and (match := re.fullmatch(rule.pattern, layer)):
                    found[layer] = rule, match
                    break
        ranks = _ranks(found)
        named = {layer: _filled(rule, match, ranks) for layer, (rule, match) in found.items()}
        return {f"{layer}.{leaf}": f"{named[layer]}.{leaf}" for layer in found for leaf in layers[layer]}


def _layers(shapes: Shapes) -> dict[str, list[str]]:
    """Layer -> the last parts of its tensors' names."""
    layers: dict[str, list[str]] = {}
    for name in shapes:
        layer, _, leaf = name.rpartition(".")
        if layer:
            layers.setdefault(layer, []).append(leaf)
    return layers


def _place(match: re.Match[str]) -> tuple[int, ...]:
    groups = match.groupdict()
    return tuple(int(groups[g] or 0) for g in ("s", "i") if g in groups)


def _ranks(found: dict[str, tuple[Rule, re.Match[str]]]) -> dict[str, list[tuple[int, ...]]]:
    """Counter -> the places that occur, in order."""
    places: dict[str, set[tuple[int, ...]]] = {}
    for rule, match in found.values():
        places.setdefault(rule.counter, set()).add(_place(match))
    return {counter: sorted(there) for counter, there in places.items()}


def _filled(rule: Rule, match: re.Match[str], ranks: dict[str, list[tuple[int, ...]]]) -> str:
    places = ranks[rule.counter]
    rank = places.index(_place(match))
    if rule.last and rank == len(places) - 1:
        return rule.last
    return rule.template.format(n=rank, m=rank + 1, **match.groupdict())
