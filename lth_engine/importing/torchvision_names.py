"""Which of torchvision's networks a set of names belongs to: by a table, then by the shapes of the few that remain."""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import torchvision.models as networks

from lth_engine.importing.candidates import IMAGENET, Candidate
from lth_engine.importing.fit import AUXILIARY, HARMLESS
from lth_engine.importing.skeleton import COLOURS, Shapes, skeleton
from lth_engine.specs.library_models import Torchvision

TABLE = Path(__file__).resolve().parents[2] / "assets" / "torchvision_networks.json"
"""Digest of names -> networks; names alone, so that resnet50 and wide_resnet50_2 share an entry."""

_CLASSES = 1009
"""A number of outputs that no hidden layer has: it shows which tensors are the classifier's."""

_INCEPTION_SIDE = 299
"""Pixels that Inception v3 is made for."""


def digest(names: Iterable[str]) -> str:
    """Of the names that matter, in any order."""
    kept = sorted(n for n in names if not n.endswith(HARMLESS) and not n.startswith(AUXILIARY))
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16]


def make_table() -> dict[str, list[str]]:
    """The table for the installed torchvision: 4 s."""
    table: dict[str, list[str]] = {}
    for name in networks.list_models(module=networks):
        table.setdefault(digest(_shapes(name)), []).append(name)
    return table


@functools.cache
def table() -> dict[str, list[str]]:
    """The table, as stored."""
    read: dict[str, list[str]] = json.loads(TABLE.read_text())
    return read


def torchvision_candidates(found: Shapes) -> Iterator[Candidate]:
    """Networks with exactly these names, sized by the shapes; whether all shapes agree is left to :func:`fit`."""
    for name in table().get(digest(found), []):
        if (candidate := candidate_of(name, found)) is not None:
            yield candidate


def candidate_of(arch: str, found: Shapes) -> Candidate | None:
    """The network `arch` with the channels, classes and image size that the shapes say, or None: they say none."""
    plain = _shapes(arch)
    head = next((n for n, s in plain.items() if s[:1] == (_CLASSES,) and n in found), None)
    first = next((n for n, s in plain.items() if len(s) == 4 and n in found), None)
    if head is None or first is None or len(found[first]) < 2 or not found[head]:
        return None
    side = _side(arch, found)
    return Candidate(arch, "as torchvision defines it", Torchvision(arch=arch), found[first][1], side, side,
                     arch.startswith("vit_"), found[head][0])


def _shapes(arch: str) -> Shapes:
    return skeleton(Torchvision(arch=arch), COLOURS, IMAGENET, IMAGENET, _CLASSES).shapes


def _side(arch: str, found: Shapes) -> int:
    """Pixels: what a vision transformer's position embedding says, else what the network is made for."""
    places, patch = found.get("encoder.pos_embedding"), found.get("conv_proj.weight")
    if arch.startswith("vit_") and places and patch and len(places) == 3 and len(patch) == 4:
        return math.isqrt(max(0, places[1] - 1)) * patch[-1] or IMAGENET
    return _INCEPTION_SIDE if arch == "inception_v3" else IMAGENET

