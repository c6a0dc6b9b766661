"""The card of a checkpoint in words and tables: all that it says, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lth_engine.cli.words import columns, pairs
from lth_engine.core.sizes import size

Card = Mapping[str, Any]

SEVERITIES = ("problem", "warning", "note", "good")
"""Of findings, the gravest first."""

LISTED = 40
"""Names that a list of keys shows; JSON has all."""


def card_text(card: Card) -> str:
    """What a file holds, why it does not fit if it does not, its layers, and what was found."""
    if card["status"] != "read":
        return f"{plain(card['name'])}: {card['status']}\n{plain(card['reason'])}"
    parts = [f"{plain(card['name'])}: {_what(card)}", pairs(_facts(card)), _nearest(card.get("nearest")),
             _layers(card.get("layers") or []), findings_text(card.get("findings") or []),
             *(plain(note) for note in card.get("notes") or [])]
    return "\n\n".join(part for part in parts if part)


def plain(text: object) -> str:
    """A text that came from a file, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))


def _what(card: Card) -> str:
    known = card.get("architecture")
    if known:
        return f"{plain(known['name'])}, {plain(known['variant'])}"
    return "no known architecture" + (f"; nearest is {plain(card['nearest']['name'])}" if card.get("nearest") else "")


def _facts(card: Card) -> list[tuple[str, str]]:
    known = card.get("architecture") or {}
    precision = ", ".join(f"{plain(kind)} ({count:,})" for kind, count in (card.get("precision") or {}).items())
    any_size = "" if known.get("size_known", True) else " (any size fits)"
    shape = " x ".join(map(str, known.get("input", ()))) + any_size
    facts = [
        ("format", f"{plain(card['format'])}, {size(card['bytes'])}" if card.get("bytes") else plain(card["format"])),
        ("wrappers", plain(", ".join(card["wrappers"]) or "none")),
        ("tensors", f"{card['tensors']:,}"), ("parameters", f"{card['parameters']:,}"), ("numbers", precision),
        ("input", shape), ("classes", _some(card.get("classes"))), ("epoch", _some(card.get("epoch"))),
        ("masks", plain(card.get("masks") or "")), ("density", _density(card)),
        ("beside", plain(", ".join(card.get("beside") or []))),
        ("ignored", plain(", ".join(card.get("ignored") or []))),
        ("renamed", f"{len(known['renaming'])} tensors" if known.get("renaming") else ""),
        *((f"  {plain(path)}", plain(value)) for path, value in (card.get("facts") or {}).items() if path != "epoch"),
        ("SHA-256", card["sha256"])]
    return [(name, value) for name, value in facts if value]


def _density(card: Card) -> str:
    if card.get("density") is None:
        return ""
    return f"{100 * card['density']:.4g}% ({card['kept']:,} of {card['prunable']:,} prunable weights)"


def _some(value: object) -> str:
    return "" if value is None else str(value)


def _nearest(nearest: Card | None) -> str:
    """Why the file does not fit the nearest network, key by key."""
    if not nearest:
        return ""
    fits = "Renamed, it fits: add --rename." if nearest["applies"] else "It does not fit, renamed or not."
    rows = [[plain(name), "absent", "wanted"] for name in nearest["missing"]]
    rows += [[plain(name), "present", "unknown there"] for name in nearest["unexpected"]]
    rows += [[plain(name), _shape(found), _shape(wanted)] for name, found, wanted in nearest["shapes"]]
    rows += [[plain(old), "is called", plain(new)] for old, new in nearest["renaming"].items()]
    more = f"\n... and {len(rows) - LISTED} more" if len(rows) > LISTED else ""
    head = f"Nearest: {plain(nearest['name'])}, {plain(nearest['variant'])}. {fits}"
    table = columns(["key", "in the file", "in the network"], rows[:LISTED], left=3) if rows else ""
    return "\n".join(part for part in (head, table) if part) + more


def _layers(layers: Sequence[Card]) -> str:
    rows = [[plain(layer["name"]), _shape(layer["shape"]), f"{layer['weights']:,}", f"{layer['kept']:,}",
             f"{100 * layer['density']:.2f}", "" if layer["prunable"] else "not counted"] for layer in layers]
    return columns(["layer", "shape", "weights", "kept", "density %", ""], rows) if rows else ""


def _shape(sides: Sequence[int]) -> str:
    return " x ".join(map(str, sides)) or "one number"


def findings_text(findings: Sequence[Card]) -> str:
    """A finding a line, the gravest first."""
    lines = []
    for severity in SEVERITIES:
        for found in (found for found in findings if found["severity"] == severity):
            named = found.get("layer") and found["layer"] not in found["text"]
            where = f"{plain(found['layer'])}: " if named else ""
            lines.append(f"{severity:<8} {where}{plain(found['text'])}")
    return "\n".join(lines)
