"""From a passport back to the ticket: weights drawn, trained or carried, under the mask, and held against the hash."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput, DamagedArtifact, FileUnreadable, clipped
from lth_engine.core.spec import from_dict
from lth_engine.importing.passport import Passport, weights_sha256
from lth_engine.importing.skeleton import skeleton
from lth_engine.models.build import build
from lth_engine.models.fit import refusing_misfits
from lth_engine.specs.models import ModelSpec
from lth_engine.training.material import take_weights
from lth_engine.training.outcome import masked

SIZES = ("channels", "height", "width", "classes")

MOST = 200_000_000
"""Weights of a network that is recreated: 800 MB. The largest usual ones, VGG-16 for ImageNet, have 138 million."""


def require_network(passport: Passport) -> None:
    """Hold the network that a recipe names against the mask, before a single weight of it is held in memory.

    Raises:
        BadInput: this lab has no such network, it has other prunable parameters than the mask, or it is too large.
    """
    network = passport.recipe["network"]
    spec = cast(ModelSpec, from_dict("model", network["model"]))
    channels, height, width, classes = (network[name] for name in SIZES)
    with refusing_misfits(spec, height, width, RuntimeError, ValueError, AssertionError, IndexError):
        found = skeleton(spec, channels, height, width, classes)
    count = sum(map(math.prod, found.shapes.values()))
    if count > MOST:
        raise BadInput(f"The network of this passport has {count:,} weights, and one of at most {MOST:,} is "
                       "recreated: ask for the ticket's file itself.")
    wanted = {name: found.shapes[name] for name in found.prunable}
    given = {name: kept.shape for name, kept in passport.mask.items()}
    odd = sorted(name for name in wanted.keys() | given.keys() if wanted.get(name) != given.get(name))
    if odd:
        raise BadInput(f"The passport's mask does not fit the {spec.label} that its recipe names: "
                       f"{clipped(', '.join(odd[:5]))} differ. Ask for the passport anew.")


def drawn(recipe: Mapping[str, Any]) -> dict[str, Array]:
    """All tensors of the network of a recipe as its seed draws them; no image is needed.

    Raises:
        BadInput: the recipe names a network or a setting that this lab does not have.
    """
    network = recipe["network"]
    spec = cast(ModelSpec, from_dict("model", network["model"]))
    sizes = (int(network[name]) for name in SIZES)
    return take_weights(build(spec, *sizes, int(recipe["init_seed"])))


def under_mask(weights: Mapping[str, Array], passport: Passport) -> dict[str, Array]:
    """The ticket's start: these weights under its mask, whose signs and hash are those of the passport.

    Args:
        weights: all tensors of the dense network.
        passport: of the ticket.

    Raises:
        BadInput: they are of another network.
        FileUnreadable: the passport carries weights of another hash.
        DamagedArtifact: the hash is another one: other software or another machine drew or trained other numbers.
    """
    odd = [name for name, kept in passport.mask.items() if name not in weights or weights[name].shape != kept.shape]
    if odd:
        raise BadInput(f"The passport's mask does not fit these weights: {', '.join(odd[:5])} differ. Give it those "
                       "of its own network.")
    start = masked(weights, passport.mask)
    found, wanted = weights_sha256(start), passport.recipe["start_sha256"]
    if found == wanted:
        return start
    if passport.start is not None:
        raise FileUnreadable(f"The weights that this passport carries have the hash {found[:12]}, its recipe says "
                             f"{wanted[:12]}: it is damaged, or was changed. Get it again.")
    same = sum(int(((start[name][kept] > 0) == passport.signs[name]).sum()) for name, kept in passport.mask.items())
    software = ", ".join(f"{name} {version}" for name, version in passport.recipe.get("software", {}).items())
    raise DamagedArtifact(f"The weights recreated here have the hash {found[:12]}, the passport says {wanted[:12]} "
                          f"({100 * same / max(1, passport.mask.kept):.4g}% of the signs agree; it was made with "
                          f"{software or 'other software'}): recreate it with that software, or ask "
                          "for a passport --with-weights.")
