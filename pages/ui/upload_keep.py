"""From what was read to a ticket search of the lab: clean copies kept, and the question that points to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from lth_engine.core.clean_files import clean_path
from lth_engine.specs.bringing import bring, one_file
from lth_engine.specs.bringing_directories import families, files
from lth_engine.specs.data import DataSpec
from lth_engine.specs.imported import File, Imported
from lth_engine.specs.questions import TicketSearch
from lth_engine.store import keeping
from pages.ui.upload_card import Card, number, part

Family = tuple[str, str]
"""Experiment and branch, which name a search of a directory."""


def search_of(card: Card, sha256: str, name: str, data: DataSpec, family: Family | None = None) -> TicketSearch:
    """The question that reports the network of a file, or all levels of a directory.

    Args:
        card: of the file.
        sha256: of its clean copy.
        name: of the file, for lists.
        data: the images that it is looked at with.
        family: which search of a directory, of :func:`searches`; the first if None.

    Raises:
        BadInput: no network of the lab fits the file.
    """
    found = members(card, family) or (one_file(number(card, "density") or 0.0, sha256),)
    return bring(part(part(card, "architecture"), "spec"), data, found, name)


def searches(card: Card) -> tuple[Family, ...]:
    """The searches of a directory that have networks to bring; none if the card is of a single file."""
    directory = part(card, "directory")
    found = families(directory) if directory else ()
    return tuple(family for family in found if files(directory, *family))


def members(card: Card, family: Family | None = None) -> tuple[File, ...]:
    """The networks of a search of a directory, of the first if it is not said, without gaps."""
    found = searches(card)
    chosen = family if family in found else found[0] if found else None
    return files(part(card, "directory"), *chosen) if chosen is not None else ()


def hashes(search: TicketSearch) -> set[str]:
    """The clean copies that a search needs."""
    brought = search.search.members if isinstance(search.search, Imported) else ()
    return {found for file in brought for found in (file.weights, file.begins, file.masks) if found}


def keep(copies: Mapping[str, Path], needed: Iterable[str], data_root: Path) -> None:
    """Copy clean files to where the lab keeps such files.

    Args:
        copies: hash -> where it lies now.
        needed: hashes of those to keep.
        data_root: the lab's data folder.

    Raises:
        BadInput: one is gone, or has changed since it was read.
        StoreError: one cannot be written there.
    """
    for sha256 in needed:
        if not clean_path(data_root, sha256).is_file():
            keeping.keep(copies[sha256], data_root, sha256)
