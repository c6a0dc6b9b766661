"""Whether a card out of a child has the shape that pages and the command line draw: nothing in it is believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Is = Callable[[Any], bool]


def _count(value: Any) -> bool:
    return type(value) is int


def _number(value: Any) -> bool:
    return type(value) in (int, float)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _table(value: Any) -> bool:
    return isinstance(value, dict)


def _or_none(inner: Is) -> Is:
    return lambda value: value is None or inner(value)


def _list_of(inner: Is) -> Is:
    return lambda value: isinstance(value, list) and all(map(inner, value))


def _with(**fields: Is) -> Is:
    """A table that has all of these, each of its kind."""
    return lambda value: isinstance(value, dict) and all(name in value and is_it(value[name])
                                                         for name, is_it in fields.items())


CARD: Mapping[str, Is] = {
    "status": _text, "reason": _text, "name": _text, "bytes": _count, "sha256": _text, "format": _or_none(_text),
    "wrappers": _list_of(_text), "beside": _list_of(_text), "ignored": _list_of(_text), "notes": _list_of(_text),
    "epoch": _or_none(_number), "facts": _table, "tensors": _count, "parameters": _count, "precision": _table,
    "architecture": _or_none(_with(name=_text)), "classes": _or_none(_count), "nearest": _or_none(_with(name=_text)),
    "masks": _text, "density": _or_none(_number), "prunable": _count, "kept": _count,
    "layers": _list_of(_with(name=_text, shape=_list_of(_count), weights=_count, kept=_count,
                             density=_or_none(_number))),
    "findings": _list_of(_with(severity=_text, text=_text, layer=_or_none(_text))),
}
"""Field of a card -> whether a value is of its kind."""


def misshapen(card: Mapping[str, Any]) -> str:
    """The first field of a card that is not of its kind, or ""; fields that are missing are none."""
    return next((name for name, is_it in CARD.items() if name in card and not is_it(card[name])), "")
