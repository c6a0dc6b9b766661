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
from lth_engine.cli.compute import watched
from lth_engine.cli.foreign import Cleaned, is_passport, networks, no_network, read_file
from lth_engine.cli.more_text import more_text
from lth_engine.core.errors import BadInput, NotRead
from lth_engine.core.workbench import Progress
from lth_engine.gate.ask import ask, inspect_directory

Found = dict[str, Any]

BEYOND = ("spectra", "speed")
"""Questions about the file that the card leaves out."""


def diagnose(given: argparse.Namespace) -> int:
    """Read the file and whatever else is named, show it all; 0 if everything was read, else 2."""
    if given.data is not None and not given.data.exists():
        raise BadInput(f"There is no folder or file {given.data}. Name your images.")
    with tempfile.TemporaryDirectory(prefix="lth-clean-") as folder:
        found = looked_at(given, Path(folder))
    print(json.dumps(found, allow_nan=False) if given.json else as_text(found))
    cards = [found, *(found[name]["card"] for name in ("against", "init") if name in found)]
    failed = [card for card in cards if card["status"] != "read"]
    if given.json:  # a script reads stdout, a person at its terminal reads this
        print(*(f"error: {card['reason']}\n" for card in failed), sep="", end="", file=sys.stderr)
    return 2 if failed else 0


def looked_at(given: argparse.Namespace, folder: Path) -> Found:
    """The card, with `spectra` and `speed`, and what was asked for: `against`, `init`, `data`.

    What cannot be said of this network, as it is none that is known, is {"reason": why}.
    """
    mine = _read(given.file, folder / "file.safetensors", given.rename)
    found: Found = {**mine.card}
    if not mine.copy.exists():
        return found
    copy = mine.copy
    if not given.quick:
        packed = is_passport(mine.card)
        found |= {entry: {"reason": no_network(mine)} if packed else _beyond(entry, copy) for entry in BEYOND}
    if given.against is not None:
        found["against"] = _with(given.against, folder, given.rename,
                                 lambda other: ask("compare", [copy, other.copy], {}))
    if given.init is not None:
        found["init"] = _with(given.init, folder, given.rename, lambda other: _from_start(mine, other))
    if given.data is not None:
        found["data"] = _unknown(mine) or _on_images(mine, given.data)
    return found


def as_text(found: Found) -> str:
    """Everything in words and tables."""
    return "\n\n".join(part for part in (card_text(found), more_text(found)) if part)


def _beyond(entry: str, copy: Path) -> Found:
    """An answer about the file, or what there was of it when its time or memory was over, with the reason: the card
    stands without it."""
    so_far: Found = {}

    def heard(said: Mapping[str, Any]) -> None:
        if isinstance(said.get("layer"), dict):
            so_far.setdefault("layers", []).append(said["layer"])
        if isinstance(said.get("part"), dict):
            so_far.update(said["part"])

    try:
        return ask(entry, [copy], {}, heard=heard)
    except NotRead as error:
        return {**so_far, "reason": f"{'The rest was left out' if so_far else 'Left out'}. {error}"}


def _read(path: Path, copy: Path, rename: bool) -> Cleaned:
    if path.is_dir():
        return Cleaned(path, inspect_directory(path, path.name, copy).card, copy)
    return read_file(path, copy, rename=rename)


def _with(path: Path, folder: Path, rename: bool, question: Any) -> Found:
    """The card of a second file, and what is asked about both."""
    other = _read(path, folder / "other.safetensors", rename)
    return {"card": dict(other.card)} | (question(other) if other.card["status"] == "read" else {})


def _unknown(*files: Cleaned) -> Found:
    """Why nothing can be computed with one of the networks; empty if it can."""
    reasons = [reason for file in files if (reason := no_network(file))]
    return {"reason": " ".join(reasons)} if reasons else {}


def _from_start(file: Cleaned, start: Cleaned) -> Mapping[str, Any]:
    if unknown := _unknown(file, start):
        return unknown
    from lth_engine.diagnosis.from_start import from_start

    mine, other = networks([file, start])
    found: Found = from_start(mine, other)
    return found


def _on_images(file: Cleaned, path: Path) -> Found:
    from lth_engine.diagnosis.labelled import labelled
    from lth_engine.diagnosis.on_images import on_images

    network, = networks([file])
    with watched() as report:
        images = labelled(path, network.architecture, lambda text: report(Progress(0, 0, text)))
        found: Found = on_images(network, images.judged, images.names, images.aside, report)
    return found
