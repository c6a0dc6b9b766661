"""What a visitor has brought: where it lies, and what is known of it; all of it goes when the visit ends."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from lth_engine.gate.private import Folder
from lth_engine.specs.questions import TicketSearch
from pages.ui import upload_end
from pages.ui import upload_gate as gate
from pages.ui.upload_card import Card
from pages.ui.upload_work import Heard, Task, begin, give_up

SLOTS = ("first", "second")
"""The file that is looked at, and the one that it is compared with."""


@dataclass(eq=False)
class Brought:
    """One file.

    Attributes:
        name: as its owner calls it; only to be shown.
        path: where it lies: in the private folder, or on this machine.
        reading: the reading of it.
        place: folder inside the private one for all clean copies that are made of it.
        clean: the lab's own clean copy, once it is read.
        sha256: of the clean copy.
        card: what the reading said, once it is read.
        asked: later questions about it by name, under way or answered.
        search: what it is in the lab, once it is brought there.
    """

    name: str
    path: Path
    reading: Task
    place: Path
    clean: Path | None = None
    sha256: str = ""
    card: Card | None = None
    asked: dict[str, Task] = field(default_factory=dict)
    search: TicketSearch | None = None

    @property
    def directory(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()


def brought(slot: str) -> Brought | None:
    """The file of a slot, if there is one."""
    found: dict[str, Brought] = st.session_state.setdefault("upload.brought", {})
    return found.get(slot)


def private() -> Folder:
    """The visitor's own folder; deleted with the session, and by a timer: then a new one begins."""
    found: Folder | None = st.session_state.get("upload.folder")
    if found is None or not found.path.is_dir():
        st.session_state["upload.folder"] = found = gate.folder()
        upload_end.watch(found)
    return found


def bring(slot: str, name: str, path: Path) -> None:
    """Begin to read a file in place of the one that the slot has."""
    drop(slot)
    folder = private()
    place = folder.new_folder()
    work = functools.partial(gate.read, path, name, place / "clean.safetensors", folder.room)
    found = Brought(name, path, begin("Reading", work), place)
    st.session_state.setdefault("upload.brought", {})[slot] = found
    st.session_state.pop("upload.comparison", None)


def drop(slot: str) -> None:
    """Forget a file: stop what is under way and delete its copies, those that are being made once that has ended."""
    found = st.session_state.setdefault("upload.brought", {}).pop(slot, None)
    st.session_state.pop("upload.comparison", None)
    if found is None:
        return
    private().delete(found.path)
    tasks = (found.reading, *found.asked.values())
    for task in tasks:
        give_up(task)
    for task in tasks:
        task.future.add_done_callback(lambda _: _delete_copies(found.place, tasks))


def _delete_copies(place: Path, tasks: Sequence[Task]) -> None:
    """Delete the copies of a file once nothing writes or reads them any more."""
    if all(task.done for task in tasks):
        shutil.rmtree(place, ignore_errors=True)


def settle() -> None:
    """Take over what has been read meanwhile, and forget copies that the timer has deleted."""
    for slot in SLOTS:
        found = brought(slot)
        if found is not None and found.card is None and found.reading.done:
            reading = found.reading.future.result()
            found.card, found.clean, found.sha256 = reading.card, reading.clean, reading.clean_sha256
            private().delete(found.path)
        if found is not None and found.clean is not None and not found.clean.is_file():
            found.clean = None


def ask(held: dict[str, Task], name: str, words: str, work: Callable[[Heard], Any]) -> None:
    """Begin a later question, unless it is under way or answered."""
    if name not in held:
        held[name] = begin(words, work)


def under_way() -> list[Task]:
    """All that this visitor waits for."""
    found = [b for slot in SLOTS if (b := brought(slot)) is not None]
    tasks = [task for b in found for task in (b.reading, *b.asked.values())]
    both = st.session_state.get("upload.comparison")
    return [task for task in (*tasks, *([both] if both is not None else [])) if not task.done]
