"""What is known beyond the card, in words and tables: images, initialisation, two files, spectra, speed, a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lth_engine.cli.card_text import card_text, plain
from lth_engine.cli.words import columns, pairs

Found = Mapping[str, Any]

TITLES = {"data": "On these images", "init": "From its initialisation", "against": "Against the other file",
          "spectra": "Spectra of the weight matrices", "speed": "Size and speed", "directory": "The folder"}


def more_text(found: Found) -> str:
    """The parts that there are, each under its title."""
    parts = []
    for name, title in TITLES.items():
        if name in found:
            text = _beside(found[name]) if name in ("init", "against") else \
                images_text(found[name]) if name == "data" else told(found[name])
            parts.append(f"{title}\n\n{text}")
    return "\n\n".join(parts)


def images_text(data: Found) -> str:
    """Accuracy, calibration and the normalisation of the input."""
    used = data["normalisation"]
    tried = [[plain(one["name"]), f"{100 * one['accuracy']:.2f}", _number(one["loss"])] for one in used["tried"]]
    said = pairs([
        ("images", f"{data['images']:,}"),
        ("accuracy", f"{100 * data['accuracy']:.2f}% (95% interval {100 * data['low']:.2f} to "
         f"{100 * data['high']:.2f})"),
        ("loss", f"{data['loss']:.4f} nats"), ("confidence", f"{100 * data['confidence']:.2f}%"),
        ("calibration error", f"{100 * data['calibration_error']:.2f} points"),
        ("Brier score", f"{data['brier']:.4f}"),
        ("input", ("guessed: " if used["guessed"] else "") + plain(used["name"]))])
    classes = [[plain(one["name"]), f"{one['images']:,}",
                "-" if one["accuracy"] is None else f"{100 * one['accuracy']:.2f}"] for one in data["classes"]]
    tables = [columns(["class", "images", "accuracy %"], classes)]
    if tried:
        tables.append(columns(["normalisation tried", "accuracy %", "loss"], tried))
    return "\n\n".join([said, *tables])


def told(values: Found) -> str:
    """Any answer: its plain values, then its lists of things as tables."""
    single = [(_spoken(name), _number(value)) for name, value in values.items()
              if _is_single(value) and name != "text"]
    parts = [pairs(single)] if single else []
    if isinstance(values.get("text"), str):
        parts.append(plain(values["text"]))
    for name, value in values.items():
        if isinstance(value, Mapping):
            parts.append(f"{_spoken(name)}\n{told(value)}")
        elif isinstance(value, Sequence) and not isinstance(value, str) and value:
            parts.append(_table(value) if all(isinstance(row, Mapping) for row in value) else
                         f"{_spoken(name)}: {_row(value)}")
    return "\n\n".join(part for part in parts if part)


def _beside(value: Found) -> str:
    """What two files say of one another, or the card of the one that was not read."""
    if value["card"]["status"] != "read":
        return card_text(value["card"])
    head = f"{plain(value['card']['name'])}, SHA-256 {value['card']['sha256']}"
    return f"{head}\n\n{told({name: part for name, part in value.items() if name != 'card'})}"


def _table(rows: Sequence[Found]) -> str:
    """Things with values of the same names, a row each; what is no single value is left to JSON."""
    names = list(dict.fromkeys(name for row in rows for name, value in row.items() if _is_single(value)))
    names = [name for name in names if any(row.get(name) is not None for row in rows)]
    return columns([_spoken(name) for name in names], [[_number(row.get(name)) for name in names] for row in rows])


def _row(values: Sequence[Any], shown: int = 12) -> str:
    some = ", ".join(_number(value) for value in values[:shown] if _is_single(value))
    return some + (f", and {len(values) - shown} more" if len(values) > shown else "")


def _is_single(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _number(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else plain(value)


def _spoken(name: str) -> str:
    return plain(name.replace("_", " "))
