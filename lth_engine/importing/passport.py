"""A ticket's passport: a small file that recreates it, bit for bit, and says so by a hash.

It is a safetensors file that holds, as bytes of JSON, the recipe (questions, seed, network, hashes, versions), the
mask and the signs of the kept weights as packed bits, and, where the weights cannot be drawn anew from the seed, the
kept values themselves. A mask takes a bit a weight: 34 KB for ResNet-20, 1.8 MB for VGG-16.

  lottery_lab_passport     uint8, JSON
  mask/NAME, signs/NAME    uint8, packed bits (numpy.packbits) of a prunable parameter in C order: kept or not; of each
                           kept weight, whether it is above 0
  start/NAME               optional: kept values of a prunable parameter, every value of any other tensor
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from safetensors.numpy import save

from lth_engine.core.artifact import Array
from lth_engine.core.errors import FileUnreadable
from lth_engine.core.mask import Mask
from lth_engine.importing.contents import Contents
from lth_engine.importing.passport_schema import VERSION, recipe_from, require_mask
from lth_engine.training.outcome import masked

FORMAT = "ticket passport"
RECIPE = "lottery_lab_passport"

@dataclass(frozen=True)
class Passport:
    """What a passport says.

    Attributes:
        recipe: plain JSON: version, how, ticket and run (questions, or None), network (model, channels, height, width,
            classes), shapes, start_sha256, end_sha256 (or None), density, kept, prunable, software.
        mask: what is kept.
        signs: prunable parameter -> of each kept weight, in C order, whether it is above 0.
        start: all tensors that training starts from, pruned weights 0; None where they are drawn or trained anew.
    """

    recipe: Mapping[str, Any]
    mask: Mask
    signs: Mapping[str, Array]
    start: Mapping[str, Array] | None


def weights_sha256(weights: Mapping[str, Array]) -> str:
    """SHA-256 in hex over names, types, shapes and bytes of tensors, sorted by name."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = np.ascontiguousarray(weights[name])
        for part in (json.dumps([name, value.dtype.str, list(weights[name].shape)]).encode(), value.tobytes()):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def made(start: Mapping[str, Array], mask: Mask, recipe: Mapping[str, Any], *, with_weights: bool) -> Passport:
    """The passport of a ticket.

    Args:
        start: all tensors that training starts from; pruned weights become +0, as they are where they are recreated.
        mask: what is kept.
        recipe: how, ticket, run, network, end_sha256 and software; the rest is filled in.
        with_weights: whether the passport carries the kept values.
    """
    start = masked(start, mask)
    facts = {"shapes": {name: list(kept.shape) for name, kept in mask.items()}, "kept": mask.kept,
             "prunable": mask.size, "density": mask.density, "start_sha256": weights_sha256(start)}
    if with_weights:
        facts["tensors"] = {name: [value.dtype.str, list(value.shape)] for name, value in start.items()}
    signs = {name: start[name][kept] > 0 for name, kept in mask.items()}
    return Passport({"version": VERSION, **recipe, **facts}, mask, signs, dict(start) if with_weights else None)


def to_bytes(passport: Passport) -> bytes:
    """The file."""
    arrays = {RECIPE: np.frombuffer(json.dumps(dict(passport.recipe), allow_nan=False).encode(), np.uint8)}
    for name, kept in passport.mask.items():
        arrays[f"mask/{name}"] = np.packbits(kept)
        arrays[f"signs/{name}"] = np.packbits(passport.signs[name])
    for name, value in (passport.start or {}).items():
        held = value[passport.mask[name]] if name in passport.mask else value
        arrays[f"start/{name}"] = np.asarray(held, order="C")
    return bytes(save(arrays))


def is_passport(contents: Contents) -> bool:
    """Whether a file that was read is a passport."""
    return RECIPE in contents.tensors


def described(contents: Contents) -> Contents:
    """The contents of a file, under the name of a passport if it is one. Raises as :func:`from_contents`."""
    if not is_passport(contents):
        return contents
    recipe = from_contents(contents).recipe
    return replace(contents, format=FORMAT, notes=(*contents.notes, in_words(recipe)))


def in_words(recipe: Mapping[str, Any]) -> str:
    """What a passport is of, in a sentence."""
    where = {"seed": "Its weights are drawn anew from the seed", "training": "Its weights are trained anew to the "
             "rewind point", "weights": "It carries the kept weights"}[recipe["how"]]
    return (f"The passport of a ticket that keeps {recipe['kept']:,} of {recipe['prunable']:,} prunable weights "
            f"({100 * recipe['density']:.4g}%). {where}; python -m lth_engine recreate makes the ticket and holds it "
            f"against the hash {recipe['start_sha256'][:12]}.")


def from_contents(contents: Contents) -> Passport:
    """The passport that a file holds.

    Raises:
        FileUnreadable: it is none, of a later version, or its parts do not fit one another.
    """
    if not is_passport(contents):
        raise FileUnreadable("This file is no passport of a ticket: make one with the verb passport.")
    arrays = {path: tensor.numpy() for path, tensor in contents.tensors.items()}
    try:
        recipe = recipe_from(arrays[RECIPE].tobytes())
        shapes = {name: tuple(int(side) for side in shape) for name, shape in recipe["shapes"].items()}
        mask = Mask({name: _bits(arrays[f"mask/{name}"], shape) for name, shape in shapes.items()})
        require_mask(recipe, mask)
        signs = {name: _bits(arrays[f"signs/{name}"], (int(kept.sum()),)) for name, kept in mask.items()}
        start = _start(recipe["tensors"], mask, arrays) if "tensors" in recipe else None
    except FileUnreadable:
        raise
    except Exception as error:  # anything may stand in the JSON of a damaged file
        raise FileUnreadable("This passport is damaged: its recipe and its masks do not fit one another. Get it "
                             "again.") from error
    return Passport(recipe, mask, signs, start)


def _bits(packed: Array, shape: tuple[int, ...]) -> Array:
    """Packed bits as a boolean array."""
    size = math.prod(shape)
    if packed.dtype != np.uint8 or packed.ndim != 1 or len(packed) != -(-size // 8) or min(shape, default=1) < 0:
        raise ValueError(f"{len(packed)} bytes for {size} bits")
    return np.unpackbits(packed, count=size).astype(np.bool_).reshape(shape)


def _start(tensors: Mapping[str, Any], mask: Mask, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The tensors of the start, from the kept values."""
    found = {}
    for name, (kind, shape) in tensors.items():
        held = arrays[f"start/{name}"]
        if held.dtype.str != kind or (name in mask and mask[name].shape != tuple(shape)):
            raise ValueError(f"{name} is {held.dtype}, {shape}")
        if name in mask:
            found[name] = np.zeros(mask[name].shape, held.dtype)
            found[name][mask[name]] = held
        else:
            found[name] = held.reshape(shape)
    return found
