"""The questions that a child of the gate answers, by name: the only functions that ever see a foreign file.

Each is called as `entry(files, arguments, emit, out)`:

    files: paths of private copies; their first bytes were looked at by the parent.
    arguments: plain JSON.
    emit: sends a dictionary of plain JSON to the parent at once, for progress and parts of an answer.
    out: where the clean copy goes, byte by byte, or None if none is wanted.

It returns a dictionary of strict JSON, or raises NotRead or BadInput, whose sentence the parent shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from lth_engine.diagnosis.card import card
from lth_engine.diagnosis.compare import compare
from lth_engine.diagnosis.directory import copy, directory, member, with_mask_inside
from lth_engine.diagnosis.passport_card import passport_card
from lth_engine.diagnosis.renamed import renamed
from lth_engine.diagnosis.spectra import spectra
from lth_engine.diagnosis.speed import speed
from lth_engine.diagnosis.warm import warm
from lth_engine.importing import clean
from lth_engine.importing.read import read
from lth_engine.importing.understand import understand

Emit = Callable[[dict[str, Any]], None]
Entry = Callable[[list[Path], Mapping[str, Any], Emit, BinaryIO | None], dict[str, Any]]


def inspect(files: list[Path], arguments: Mapping[str, Any], emit: Emit, out: BinaryIO | None) -> dict[str, Any]:
    """What one file is: its card; its clean copy, with masks of a second file inside, is written to `out`.

    Args:
        files: the file, and if there are two, the file of masks that belongs to it.
        arguments: "kind" of the file as the gate sniffed it, its "name", "bytes" and "sha256"; "mask_kind" of a
            second file; "renaming", name in the file -> the lab's name, where the file is a clean copy whose
            tensors are to go by other names.
        emit: gets {"stage": ...} as the reading goes on.
        out: where the clean copy goes.

    Raises:
        NotRead: the file is refused or cannot be read.
    """
    emit({"stage": "reading"})
    masks = read(files[1], str(arguments["mask_kind"])) if len(files) > 1 else None
    if "renaming" in arguments:
        checkpoint, contents = renamed(files[0], arguments["renaming"])
    else:
        contents = read(files[0], str(arguments["kind"]))
        emit({"stage": "understanding"})
        checkpoint = understand(contents, masks)
    found = passport_card(card(checkpoint, arguments), contents)
    if out is not None:
        emit({"stage": "copying"})
        whole = contents if masks is None else with_mask_inside(checkpoint)
        clean.write(whole, out, {"name": found["name"], "sha256": found["sha256"]})
    return found


ENTRIES: dict[str, Entry] = {
    "inspect": inspect,
    "spectra": spectra,
    "compare": compare,
    "speed": speed,
    "directory": directory,
    "member": member,
    "copy": copy,
}
"""Name -> entry."""

WARM = warm
"""What the server of children does once, before it answers."""
