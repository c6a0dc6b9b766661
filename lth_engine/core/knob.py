"""One declaration of one setting: its type, default, bounds, help and source.

From it come the checks, the JSON, the key, the command line and the web form. A knob is a field of
a Spec, declared with :func:`knob` and read back with :func:`knobs`.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import typing
from dataclasses import dataclass
from typing import Any

from lth_engine.core.errors import BadInput, UnknownName, clipped
from lth_engine.core.step import Step


def knob(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    open_low: bool = False,
    open_high: bool = False,
    choices: tuple[Any, ...] | None = None,
    unit: str = "",
    source: str = "",
    advanced: bool = False,
    added: bool = False,
) -> Any:
    """Declare a knob of a Spec.

    Args:
        default: its default value.
        help: one sentence for the form, the command line and the docs.
        low: least value of a number.
        high: greatest value of a number.
        open_low: `low` itself is excluded.
        open_high: `high` itself is excluded.
        choices: the values a string or number may take.
        unit: unit of the value, for display.
        source: where the default comes from (paper and section).
        advanced: the form shows it behind "More".
        added: the knob is younger than stored artifacts and its default has no effect, so that
            it stays out of the key while it holds its default.
    """
    facts = {"help": help, "low": low, "high": high, "open_low": open_low, "open_high": open_high,
             "choices": choices, "unit": unit, "source": source, "advanced": advanced, "added": added}
    return dataclasses.field(default=default, metadata={"knob": facts})


@dataclass(frozen=True)
class Knob:
    """What was declared of one knob; `type` is the field's resolved type."""

    name: str
    type: Any
    default: Any
    help: str
    low: float | None
    high: float | None
    open_low: bool
    open_high: bool
    choices: tuple[Any, ...] | None
    unit: str
    source: str
    advanced: bool
    added: bool

    @property
    def bounds(self) -> str:
        """The range in words, for messages and help texts; empty if there is none."""
        if self.choices is not None:
            return "one of " + ", ".join(str(c) for c in self.choices)
        if self.low is None and self.high is None:
            return ""
        low = "-inf" if self.low is None else _number(self.low)
        high = "inf" if self.high is None else _number(self.high)
        left = "(" if self.open_low or self.low is None else "["
        right = ")" if self.open_high or self.high is None else "]"
        return f"in {left}{low}, {high}{right}"

    def check(self, owner: str, value: Any) -> Any:
        """The value in its stored type.

        Raises:
            BadInput: wrong type or out of range; the text names the knob, the range and the value.
        """
        value = _coerce(f"{owner}.{self.name}", self.type, value)
        if self.choices is not None:
            items = value if isinstance(value, tuple) else (value,)
            for item in items:
                if item not in self.choices:
                    raise UnknownName(f"{owner}.{self.name}", item, map(str, self.choices))
                if items.count(item) > 1:
                    raise BadInput(f"{owner}.{self.name} names {item!r} twice. Name it once.")
        if isinstance(value, int | float) and not isinstance(value, bool) and not self._inside(value):
            raise BadInput(f"{owner}.{self.name} must be {self.bounds or 'a finite number'}. Got {_number(value)}.")
        return value

    def _inside(self, value: float) -> bool:
        if not math.isfinite(value):
            return False
        above = self.low is None or (value > self.low if self.open_low else value >= self.low)
        below = self.high is None or (value < self.high if self.open_high else value <= self.high)
        return above and below


def knobs(cls: type) -> tuple[Knob, ...]:
    """The knobs of a Spec class in order of declaration, inherited ones first."""
    return _knobs(cls)


@functools.cache
def _knobs(cls: Any) -> tuple[Knob, ...]:
    hints = typing.get_type_hints(cls)
    return tuple(
        Knob(name=f.name, type=hints[f.name], default=f.default, **f.metadata["knob"])
        for f in dataclasses.fields(cls)
    )


def _coerce(where: str, kind: Any, value: Any) -> Any:
    if typing.get_origin(kind) is tuple:
        (item,) = {a for a in typing.get_args(kind) if a is not Ellipsis}
        if not isinstance(value, list | tuple):
            raise BadInput(f"{where} must be a list. Got {clipped(value)}.")
        return tuple(_coerce(where, item, v) for v in value)
    if kind is Step:
        try:
            return Step.parse(value)
        except BadInput as error:
            raise BadInput(f"{where}: {error}") from None
    if isinstance(value, int) and not -_LARGEST <= value <= _LARGEST:
        raise BadInput(f"{where} must be a number of at most 63 bits. Got one of {value.bit_length()} bits.")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise BadInput(f"{where} must be {_NAMES.get(kind, kind.__name__)}. Got {clipped(value)}.")
    if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadInput(f"{where} must be a text that can be written as UTF-8. Got {clipped(value)}.")
    return value


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


_LARGEST = 2**63 - 1
"""Greatest whole number: a seed of torch has no more bits."""

_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
