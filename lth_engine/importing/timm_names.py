"""A network of timm, where the library is installed and the file says the name.

timm has a thousand networks, too many to try; its training script writes `arch` beside the weights.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Iterator, Mapping

from lth_engine.core.errors import BadInput
from lth_engine.importing.candidates import IMAGENET
from lth_engine.importing.checkpoint import Candidate
from lth_engine.importing.contents import Fact
from lth_engine.importing.known import CLASSES
from lth_engine.importing.skeleton import COLOURS, Shapes, skeleton
from lth_engine.specs.library_models import Timm

_KEYS = ("arch", "architecture", "model_name", "args/model", "args/arch", "hyper_parameters/arch")
"""Facts that name a network."""


def timm_candidates(facts: Mapping[str, Fact], found: Shapes) -> Iterator[Candidate]:
    """The network that the file names, with the channels and classes that the shapes say; none if timm is missing."""
    named = [value for key in _KEYS if isinstance(value := facts.get(key), str)]
    if named and importlib.util.find_spec("timm") is not None:
        timm = importlib.import_module("timm")
        for arch in dict.fromkeys(named):
            if timm.is_model(arch) and (candidate := _sized(arch, _side(timm.get_pretrained_cfg(arch)), found)):
                yield candidate


def _sized(arch: str, side: int, found: Shapes) -> Candidate | None:
    """`arch` for images of `side` pixels, or None: the tensors lack its first or its last layer."""
    spec = Timm(arch=arch)
    try:
        shapes = skeleton(spec, COLOURS, side, side, CLASSES).shapes
    except BadInput:  # it takes no images of this size
        return None
    head = next((n for n, s in shapes.items() if s[:1] == (CLASSES,) and found.get(n)), None)
    first = next((n for n, s in shapes.items() if len(s) == 4 and len(found.get(n, ())) == 4), None)
    if head is None or first is None:
        return None
    told = _side_of_positions(shapes, found, side)
    return Candidate(arch, "as timm defines it", spec, found[first][1], told or side, told or side, told is not None,
                     found[head][0])


def _side_of_positions(shapes: Shapes, found: Shapes, side: int) -> int | None:
    """Pixels that the position embedding of a vision transformer says, beside that of one for `side` pixels."""
    patch, ours, theirs = found.get("patch_embed.proj.weight"), shapes.get("pos_embed"), found.get("pos_embed")
    if not patch or len(patch) != 4 or not patch[-1] or not ours or not theirs or len(ours) != 3 or len(theirs) != 3:
        return None
    tokens = ours[1] - (side // patch[-1]) ** 2
    return math.isqrt(max(0, theirs[1] - tokens)) * patch[-1] or None


def _side(settings: object) -> int:
    """Pixels that the network was made for."""
    size = getattr(settings, "input_size", None)
    return int(size[-1]) if size else IMAGENET
