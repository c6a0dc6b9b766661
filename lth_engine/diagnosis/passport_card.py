"""The card of a ticket's passport: what its mask keeps, of which network; its bits are no weights to be judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from lth_engine.core.spec import from_dict
from lth_engine.importing.contents import Contents
from lth_engine.importing.passport import FORMAT, Passport, from_contents
from lth_engine.specs.models import ModelSpec


def passport_card(card: Mapping[str, Any], contents: Contents) -> dict[str, Any]:
    """The card of a file, as it should be if the file is a passport.

    Args:
        card: of its tensors.
        contents: the file.
    """
    if contents.format != FORMAT:
        return dict(card)
    found = from_contents(contents)
    masks, recipe = found.mask, found.recipe
    network = recipe["network"]
    spec = cast(ModelSpec, from_dict("model", network["model"]))
    shape = [network["channels"], network["height"], network["width"]]
    return {**card, "architecture": {
        "name": spec.label, "variant": "as the recipe says", "spec": spec.to_dict(), "input": shape,
        "size_known": True, "renaming": {}}, "classes": network["classes"], "nearest": None, "beside": [],
        "wrappers": [],
        "masks": "packed bits", "density": masks.density, "prunable": masks.size, "kept": masks.kept,
        "parameters": _parameters(found), "layers": [
            {"name": name, "shape": list(kept.shape), "weights": kept.size, "kept": int(kept.sum()),
             "density": float(kept.mean()), "prunable": True} for name, kept in masks.items()],
        "findings": [{"code": "passport", "severity": "note", "text": contents.notes[-1], "layer": None,
                      "about": ""}], "notes": list(contents.notes[:-1])}


def _parameters(found: Passport) -> int:
    """Weights that the mask covers, and all values of other tensors that it carries."""
    carried = found.recipe.get("tensors", {})
    return found.mask.size + sum(math.prod(shape) for name, (_, shape) in carried.items() if name not in found.mask)
