"""The verb that says what a checkpoint from elsewhere holds: everything that the page says, in words or as JSON."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lth_engine.cli.card_text import card_text
from lth_engine.cli.more_text import more_text
from lth_engine.core.errors import BadInput
from lth_engine.gate import ask as gate
from lth_engine.gate.ask import ask, inspect

Found = dict[str, Any]

BEYOND: tuple[str, ...] = ()
"""Questions about the file that the card leaves out."""


def diagnose(given: argparse.Namespace) -> int:
    """Read the file and whatever else is named, show it all; 0 if everything was read, else 2."""
    for path in (given.file, given.against, given.init, given.data):
        if path is not None and not path.exists():
            raise BadInput(f"There is no file {path}. Name a checkpoint that is on this machine.")
    with tempfile.TemporaryDirectory(prefix="lth-clean-") as folder:
        found = looked_at(given, Path(folder))
    print(json.dumps(found, allow_nan=False) if given.json else as_text(found))
    cards = [found, *(found[name]["card"] for name in ("against", "init") if name in found)]
    if given.json:  # a script reads stdout, a person at its terminal reads this
        print(*(f"error: {card['reason']}" for card in cards if card["status"] != "read"), sep="", file=sys.stderr)
    return 0 if all(card["status"] == "read" for card in cards) else 2


def looked_at(given: argparse.Namespace, folder: Path) -> Found:
    """The card, with `spectra`, `speed`, `against`, `init` and `data` where they are known."""
    if given.file.is_dir():
        return {**gate.inspect_directory(given.file, given.file.name)}
    copies = {name: folder / f"{name}.safetensors" for name in ("file", "against", "init")}
    found: Found = {**inspect(given.file, given.file.name, copies["file"]).card}
    if found["status"] == "read":
        found |= {entry: ask(entry, [copies["file"]], {}) for entry in BEYOND}
    for name in ("against", "init"):
        path: Path | None = getattr(given, name)
        if path is not None:
            card = inspect(path, path.name, copies[name]).card
            found[name] = {"card": {**card}}
            if card["status"] == found["status"] == "read":
                found[name] |= _together(name, copies["file"], copies[name])
    return found


def _together(name: str, file: Path, other: Path) -> Mapping[str, Any]:
    """What two files say of one another; the distance from an initialisation is measured here."""
    return ask("compare", [file, other], {})


def as_text(found: Found) -> str:
    """Everything in words and tables."""
    return "\n\n".join(part for part in (card_text(found), more_text(found)) if part)
