"""Every member of every catalogue, and for each knob other values that it allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import lth_engine.specs
from lth_engine.core.knob import Knob, knobs
from lth_engine.core.spec import Spec, catalogue, families, is_family, is_spec
from lth_engine.core.step import Step

assert lth_engine.specs.__path__  # importing it fills the catalogues

MEMBERS: dict[str, type[Spec]] = {
    f"{family}/{name}": cls for family in families() for name, cls in catalogue(family).items()
}

JUNK: list[Any] = [None, [], {}, "x\0", -1, float("nan"), float("inf"), True, 10**400, {"name": 3}, {"name": "nobody"},
                   [[]], ["a", 1]]
"""What no knob means, or only some; a file from elsewhere may hold it."""

HASHED = ("fingerprint", "weights", "masks", "files", "label")
"""Knobs that hold the hash of a file, so that no other text is allowed."""


def others(knob: Knob) -> Iterator[Any]:
    """Allowed values that are not the default, for a knob of any type."""
    if is_spec(knob.type):
        if is_family(knob.type):
            yield from (cls() for name, cls in catalogue(knob.type.family).items() if name != knob.default.name)
        yield from (knob.default.replace(**{k.name: v}) for k in knobs(type(knob.default))
                    if not is_spec(k.type) and k.name not in ("rewind", *HASHED) for v in others(k)
                    if v != getattr(knob.default, k.name))
    elif knob.choices is not None and isinstance(knob.default, tuple):
        yield from ((), tuple(reversed(knob.choices)))
    elif knob.choices is not None:
        yield from (choice for choice in knob.choices if choice != knob.default)
    elif isinstance(knob.default, bool):
        yield not knob.default
    elif isinstance(knob.default, str):
        yield knob.default + "ä b/c"
    elif isinstance(knob.default, int):
        yield from (knob.default + 1, knob.default + 2)  # some count by twos
    elif isinstance(knob.default, float):
        half = knob.default / 2 if knob.default else 0.125
        yield half if knob.low is None or half >= knob.low else 1.5 * knob.default
    elif isinstance(knob.default, Step):
        yield Step(knob.default.count + 1, knob.default.unit)
    else:
        item = Step(5) if "Step" in str(knob.type) else "fc.weight"
        yield (item,)
