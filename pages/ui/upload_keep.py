"""From what was read to a ticket search of the lab: clean copies kept, and the question that points to them."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from lth_engine.core.clean_files import HASH, clean_path
from lth_engine.core.errors import BadInput
from lth_engine.core.spec import from_dict
from lth_engine.specs.data import DataSpec
from lth_engine.specs.imported import LONGEST, File, Imported
from lth_engine.specs.models import ModelSpec
from lth_engine.specs.questions import TicketSearch
from pages.ui.upload_card import Card, number, part, parts, text, whole
from pages.ui.upload_headline import DENSE

MAIN = "main"
"""The branch of a directory that is its ticket search."""


def search_of(card: Card, sha256: str, name: str, data: DataSpec) -> TicketSearch:
    """The question that reports the network of a file, or all levels of a directory.

    Args:
        card: of the file.
        sha256: of its clean copy.
        name: of the file, for lists.
        data: the images that it is looked at with.

    Raises:
        BadInput: no network of the lab fits the file.
    """
    model = from_dict("model", dict(part(part(card, "architecture"), "spec")))
    files = members(card) or [_alone(card, sha256)]
    return TicketSearch(model=cast(ModelSpec, model), data=data, levels=max(f.level for f in files),
                        replicates=max(f.replicate for f in files) + 1, controls=(),
                        search=Imported(files=tuple(map(str, files)), label=label(name)))


def _alone(card: Card, sha256: str) -> File:
    """A single file: level 1 for a ticket, level 0 for a dense network."""
    density = number(card, "density") or 0.0
    level = int(density < DENSE)
    return File(level, 0, density if level else 1.0, sha256)


def members(card: Card) -> list[File]:
    """The networks of a directory that make a search without gaps: every level of every replicate that is whole."""
    found: dict[tuple[int, int], File] = {}
    for member in parts(part(card, "directory"), "members"):
        clean, level = part(member, "clean"), whole(member, "level")
        final, density = text(clean, "final"), number(member, "density")
        if text(member, "branch") not in ("", MAIN) or level is None or not HASH.fullmatch(final) or not density:
            continue
        begins = next((text(clean, role) for role in ("rewind", "init") if HASH.fullmatch(text(clean, role))), "")
        place = level, whole(member, "replicate") or 0
        found.setdefault(place, File(*place, density if level else 1.0, final, begins))
    return without_gaps(found)


def without_gaps(found: Mapping[tuple[int, int], File]) -> list[File]:
    """Replicates numbered from 0, each with the levels from 1 (or 0, where all have it) that all of them have."""
    replicates = sorted({replicate for _, replicate in found})
    deepest = 0
    while replicates and all((deepest + 1, r) in found for r in replicates):
        deepest += 1
    first = 0 if replicates and all((0, r) in found for r in replicates) else 1
    return [File(level, place, f.density, f.weights, f.begins) for level in range(first, deepest + 1)
            for place, r in enumerate(replicates) for f in [found[level, r]]]


def label(name: str) -> str:
    """A file's name as a list shows it."""
    return "".join(c if c.isprintable() else "?" for c in name)[:LONGEST]


def hashes(search: TicketSearch) -> set[str]:
    """The clean copies that a search needs."""
    files = search.search.members if isinstance(search.search, Imported) else ()
    return {found for file in files for found in (file.weights, file.begins) if found}


def keep(copies: Mapping[str, Path], needed: Iterable[str], data_root: Path) -> None:
    """Copy clean files to where the lab keeps such files.

    Args:
        copies: hash -> where it lies now.
        needed: hashes of those to keep.
        data_root: the lab's data folder.

    Raises:
        BadInput: one cannot be written there.
    """
    for sha256 in needed:
        target = clean_path(data_root, sha256)
        if not target.is_file():
            _copy(copies[sha256], target)


def _copy(source: Path, target: Path) -> None:
    aside = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, aside)
        os.replace(aside, target)
    except OSError as error:
        raise BadInput(f"The copy cannot be kept in {target.parent} ({error.strerror or error}). Free some space "
                       "there, or set LTH_DATA to a folder that can be written and restart.") from error
    finally:
        aside.unlink(missing_ok=True)
