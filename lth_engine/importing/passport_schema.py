"""The recipe of a passport, which is anybody's JSON: held against its form, and against the mask beside it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from lth_engine.core.errors import FileUnreadable
from lth_engine.core.mask import Mask

VERSION = 1

HOW = ("seed", "training", "weights")
"""Where the weights of the start come from: drawn from the seed; trained to the rewind point; the passport itself."""

SIDE, CHANNELS, CLASSES = 1024, 64, 100_000
"""Pixels of a side, channels and classes of a network that a passport may name; ImageNet-21k has 22,000 classes."""

TEXT = 200
"""Characters of a text of the recipe."""

Test = Callable[[Any], bool]


def recipe_from(raw: bytes) -> dict[str, Any]:
    """The recipe, of a form that all who read it may rely on.

    Raises:
        FileUnreadable: a later version of the lab wrote it.
        ValueError: it is no JSON, holds NaN or infinity, or a part is not there or of another type.
    """
    recipe = json.loads(raw, parse_constant=_refused, parse_float=_finite)
    if not isinstance(recipe, dict) or not _whole(recipe.get("version"), 1, 10**9):
        raise ValueError("version")
    if recipe["version"] > VERSION:
        raise FileUnreadable("This passport was written by a later version of the lab. Update the lab.")
    for name, test in RULES.items():
        if not test(recipe.get(name)):
            raise ValueError(name)
    if recipe["how"] == "seed" and not _whole(recipe.get("init_seed"), 0, 2**63):
        raise ValueError("init_seed")
    return recipe


def require_mask(recipe: Mapping[str, Any], mask: Mask) -> None:
    """Raises ValueError unless the numbers that the recipe says of the mask are those of the mask."""
    if (recipe["kept"], recipe["prunable"]) != (mask.kept, mask.size) or not mask.size:
        raise ValueError("kept of prunable")
    if not math.isclose(recipe["density"], mask.density, rel_tol=1e-9):
        raise ValueError("density")


def _refused(word: str) -> float:
    raise ValueError(word)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _whole(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= TEXT


def _sha256(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _network(value: Any) -> bool:
    bounds = {"channels": CHANNELS, "height": SIDE, "width": SIDE, "classes": CLASSES}
    return isinstance(value, dict) and _named(value.get("model")) and all(
        _whole(value.get(name), 1, most) for name, most in bounds.items())


def _named(value: Any) -> bool:
    """A question or a part of one."""
    return isinstance(value, dict) and _text(value.get("name"))


def _shapes(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(shape, list) and all(_whole(side, 0, 2**40) for side in shape) for shape in value.values())


def _origin(value: Any) -> bool:
    return isinstance(value, dict) and _named(value.get("question")) and value.get("group") in ("start", "final")


def _software(value: Any) -> bool:
    return isinstance(value, dict) and len(value) <= 50 and all(map(_text, [*value, *value.values()]))


def _or_none(test: Test) -> Test:
    return lambda value: value is None or test(value)


RULES: dict[str, Test] = {
    "how": lambda value: value in HOW, "network": _network, "shapes": _shapes, "start_sha256": _sha256,
    "end_sha256": _or_none(_sha256), "source_sha256": _or_none(_sha256), "software": _software,
    "ticket": _or_none(_named), "run": _or_none(_named), "origin": _or_none(_origin),
    "kept": lambda value: _whole(value, 0, 2**40), "prunable": lambda value: _whole(value, 1, 2**40),
    "density": lambda value: type(value) in (int, float) and 0 <= value <= 1}
"""Part of the recipe -> whether a value may stand there; None where the part is not there."""
