"""torchvision's networks as candidates: found by names, sized by shapes."""

from __future__ import annotations

import math
from collections.abc import Iterator

from lth_engine.importing.candidates import IMAGENET
from lth_engine.importing.checkpoint import Candidate
from lth_engine.importing.known import CLASSES, near_names, of_names, plain
from lth_engine.importing.skeleton import Shapes
from lth_engine.specs.library_models import Torchvision

_INCEPTION_SIDE = 299
"""Pixels that Inception v3 is made for."""

_FEW = 4
"""Networks that share their names with others and are tried as the nearest."""


def torchvision_candidates(found: Shapes) -> Iterator[Candidate]:
    """Networks with exactly these names; whether all shapes agree is left to :func:`fit`."""
    sketch = of_names(found)
    for name in sketch.networks if sketch else ():
        if (candidate := candidate_of(name, found)) is not None:
            yield candidate


def near_candidates(found: Shapes) -> Iterator[Candidate]:
    """Networks whose names begin and end alike."""
    for sketch in near_names(found):
        for name in sketch.networks[:_FEW]:
            if (candidate := candidate_of(name, found)) is not None:
                yield candidate


def candidate_of(arch: str, found: Shapes) -> Candidate | None:
    """The network `arch` with the channels, classes and image size that the shapes say, or None: they say none."""
    shapes = plain(Torchvision(arch=arch))
    head = next((n for n, s in shapes.items() if s[:1] == (CLASSES,) and n in found), None)
    first = next((n for n, s in shapes.items() if len(s) == 4 and n in found), None)
    if head is None or first is None or len(found[first]) != 4 or not found[head]:
        return None
    side = _side(arch, found)
    return Candidate(arch, "as torchvision defines it", Torchvision(arch=arch), found[first][1], side, side,
                     arch.startswith("vit_"), found[head][0])


def _side(arch: str, found: Shapes) -> int:
    """Pixels: what a vision transformer's position embedding says, else what the network is made for."""
    places, patch = found.get("encoder.pos_embedding"), found.get("conv_proj.weight")
    if arch.startswith("vit_") and places and patch and len(places) == 3 and len(patch) == 4:
        return math.isqrt(max(0, places[1] - 1)) * patch[-1] or IMAGENET
    return _INCEPTION_SIDE if arch == "inception_v3" else IMAGENET
