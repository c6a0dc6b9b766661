"""The table of known networks: found by the names of their tensors, or by the kinds of their layers in order.

Building eighty networks for every file would take seconds; the table leaves one or two to build. It is made by
``python -m lth_engine.importing.known`` for the installed torchvision.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torchvision.models as networks

from lth_engine.core.spec import from_dict
from lth_engine.importing.fit import AUXILIARY, HARMLESS
from lth_engine.importing.layers import kinds, layers_of
from lth_engine.importing.skeleton import COLOURS, Shapes, skeleton
from lth_engine.specs.cifar_models import CifarEfficientnetB0, CifarMobilenetV2, CifarShufflenet
from lth_engine.specs.library_models import Swin, Torchvision
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100, ModelSpec, Resnet, Vgg

TABLE = Path(__file__).resolve().parents[2] / "assets" / "known_networks.json"

CLASSES = 1009
"""A number of outputs that no hidden layer has: it shows which tensors are the classifier's."""

_SIDE = {"lenet_300_100": 28, "torchvision": 224}
"""Images that each network is built for, in pixels; else 32. Names do not depend on it."""


@dataclass(frozen=True)
class Sketch:
    """Enough of a torchvision network's names to know whether a file is near.

    Attributes:
        networks: that share the names.
        count: how many names matter.
        first, last: of them, in order.
    """

    networks: tuple[str, ...]
    count: int
    first: str
    last: str


def plain(spec: ModelSpec) -> Shapes:
    """Name -> shape of a network for colour images of a usual size and :data:`CLASSES` classes."""
    side = _SIDE.get(spec.name, 32)
    return skeleton(spec, COLOURS, side, side, CLASSES).shapes


def of_names(names: Iterable[str]) -> Sketch | None:
    """Networks of torchvision with exactly these names."""
    entry = _table()["names"].get(_digest("\n".join(sorted(that_matter(names)))))
    return None if entry is None else _sketch(entry)


def near_names(names: Iterable[str]) -> list[Sketch]:
    """Networks of torchvision whose names begin and end alike and whose number is similar: the two nearest."""
    kept = that_matter(names)
    near = [s for entry in _table()["names"].values()
            if (s := _sketch(entry)).first in kept and s.last in kept and abs(s.count - len(kept)) <= s.count / 10]
    return sorted(near, key=lambda s: abs(s.count - len(kept)))[:2]


def of_kinds(shapes: Shapes) -> list[ModelSpec]:
    """Networks whose layers are, in order, of the same kinds; widths and sizes as may be."""
    found = _table()["kinds"].get(_digest(kinds(layers_of(shapes))), [])
    return [spec for values in found if isinstance(spec := from_dict("model", values), ModelSpec)]


def that_matter(names: Iterable[str]) -> list[str]:
    """Names without counters, constants and heads of training."""
    return [n for n in names if not n.endswith(HARMLESS) and not n.startswith(AUXILIARY)]


def make_table() -> dict[str, Any]:
    """The table for the installed torchvision; takes seconds."""
    by_names: dict[str, list[Any]] = {}
    by_kinds: dict[str, list[dict[str, Any]]] = {}
    for spec in _templates():
        shapes = plain(spec)
        names = that_matter(shapes)
        if isinstance(spec, Torchvision):
            entry = by_names.setdefault(_digest("\n".join(sorted(names))), [[], len(names), names[0], names[-1]])
            entry[0].append(spec.arch)
        changed = {k: v for k, v in spec.to_dict().items() if k == "name" or v != getattr(type(spec)(), k)}
        by_kinds.setdefault(_digest(kinds(layers_of(shapes))), []).append(changed)
    return {"names": by_names, "kinds": by_kinds}


def _templates() -> Iterator[ModelSpec]:
    """One network for every sequence of layers that the lab can build, but for MLP-Mixers."""
    yield Lenet300100()
    yield from (Conv(layers=layers) for layers in (2, 4, 6))
    yield from (CifarResnet(depth=depth, shortcut=shortcut) for depth in (8, 14, 20, 32, 44, 56, 110)
                for shortcut in ("projection", "padding"))
    yield from (Resnet(depth=depth) for depth in (18, 34, 50))
    yield from (Vgg(depth=depth) for depth in (11, 13, 16, 19))
    yield from (CifarMobilenetV2(), CifarShufflenet(), CifarEfficientnetB0(), Swin(size="tiny"), Swin(size="small"))
    yield from (Torchvision(arch=name) for name in networks.list_models(module=networks))


@functools.cache
def _table() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(TABLE.read_text())
    return read


def _sketch(entry: list[Any]) -> Sketch:
    return Sketch(tuple(entry[0]), *entry[1:])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


if __name__ == "__main__":
    TABLE.write_text(json.dumps(make_table(), indent=0) + "\n")
