"""What the pages and the command line ask of the gate: what a file is, and questions about clean copies.

Stopping: `heard`, wherever it is taken, is called with what the child says, and with {} every half second, also while
a place is waited for and while a network of a directory is read. Whatever it raises (`Stopped` is made for it) ends
the child, frees its place, leaves no clean copy that is not whole, and is raised to the caller. Clean copies of the
networks of a directory that were read before stay in `copies`.

Room: `room` is how many bytes of clean copies may be written, as `Folder.room()` says; over it a file is refused, and
of a directory the networks are told that were read until then.

Places: two children live at a time; `ask` takes at most one of them, so that a file can always be read.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lth_engine.core import errors
from lth_engine.core.errors import FileRefused, FileUnreadable, LotteryError, NotRead
from lth_engine.core.sizes import size
from lth_engine.gate import raw
from lth_engine.gate.card_shape import misshapen
from lth_engine.gate.copying import Copy, Full
from lth_engine.gate.directory import Copies, read_directory
from lth_engine.gate.hearing import LONG_COPY, Ended, Heard, Stopped
from lth_engine.gate.limits import Limits
from lth_engine.gate.raw import CAP
from lth_engine.gate.server import Server

__all__ = ["Full", "Reading", "Stopped", "ask", "inspect", "inspect_directory", "warm"]

log = logging.getLogger(__name__)

NAME = 200
"""Characters of a file's name that are kept."""

REASON = 500
"""Characters of a reason, which may quote names out of the file."""

QUESTION = Limits(seconds=120)
"""What a question about clean copies may use."""

EMPTY: dict[str, Any] = {
    "status": "unreadable", "reason": "", "name": "", "bytes": 0, "sha256": "", "format": None, "wrappers": [],
    "beside": [], "ignored": [], "notes": [], "epoch": None, "facts": {}, "tensors": 0, "parameters": 0,
    "precision": {}, "architecture": None, "classes": None, "nearest": None, "masks": "none", "density": None,
    "prunable": 0, "kept": 0, "layers": [], "findings": [],
}
"""The card of a file of which nothing is known."""

MISSHAPEN = ("The file is damaged: what the process said that read it makes no sense. Save the state dict alone and "
             "bring that.")

_server = Server()
atexit.register(_server.close)


@dataclass(frozen=True)
class Reading:
    """What came of a file.

    Attributes:
        card: what it holds; `status` is "read", "refused" or "unreadable", and then `reason` says why.
        clean: the clean copy, if one was wanted and the file was read.
        clean_sha256: of the clean copy, in hexadecimal, or "".
    """

    card: dict[str, Any]
    clean: Path | None = None
    clean_sha256: str = ""


def warm() -> None:
    """Start the server of children in the background, so that the first file need not wait for torch."""
    threading.Thread(target=_warm, name="warm the gate", daemon=True).start()


def _warm() -> None:
    with contextlib.suppress(LotteryError):  # whoever brings a file is told
        _server.warm()


def inspect(path: Path, name: str, clean: Path | None = None, cap: int = CAP, *,
            arguments: Mapping[str, Any] | None = None, masks: Path | None = None, heard: Heard | None = None,
            limits: Limits | None = None, room: int | None = None, server: Server | None = None) -> Reading:
    """What a file is. Never raises for what it holds.

    Args:
        path: the file.
        name: as its owner calls it; only shown.
        clean: where the clean copy goes, if one is wanted; it appears there whole or not at all.
        cap: bytes of the file at most.
        arguments: more for the entry, plain JSON.
        masks: a file of masks that belongs to it.
        heard: takes what the child says on its way, as {"stage": "reading"}.
        limits: what the child may use.
        room: bytes that the clean copy may have, where less is left than the limits allow.
        server: stands in for the process's own.

    Raises:
        LotteryError: the process that reads cannot be started, or the clean copy not be written.
        Stopped: `heard` raised it.
    """
    known: dict[str, Any] = {"name": _printable(name, NAME), "bytes": 0, "sha256": ""}
    said = dict(arguments or {})
    try:
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(raw.opened(path))]
            known |= {"bytes": os.fstat(files[0].fileno()).st_size}
            known["bytes"] = raw.length(files[0], cap)
            known["sha256"] = raw.digest(files[0])
            said |= known | {"kind": raw.kind(files[0], known["bytes"], cap)}
            if masks is not None:
                files.append(stack.enter_context(raw.opened(masks)))
                said["mask_kind"] = raw.kind(files[1], raw.length(files[1], cap), cap)
            copy = stack.enter_context(Copy(clean, room)) if clean is not None else None
            return _read(files, known, said, copy, heard, limits or Limits(copy=2 * cap), server or _server)
    except NotRead as error:
        return Reading(_refusal(error, known))


def _printable(text: str, most: int) -> str:
    """A text that may quote a file: one line, and no longer than that."""
    clean = "".join(c if c.isprintable() else "?" for c in text[:most])
    return clean if len(text) <= most else f"{clean[:-4]} ..."


def _read(files: list[BinaryIO], known: dict[str, Any], said: dict[str, Any], copy: Copy | None, heard: Heard | None,
          limits: Limits, server: Server) -> Reading:
    ended = server.call("inspect", [file.fileno() for file in files], said, limits, copy, heard)
    card = _card(ended, known, limits)
    if copy is None or card["status"] != "read":
        return Reading(card)
    return Reading(card, copy.keep(), copy.sha256)


def inspect_directory(path: Path, name: str, clean: Path | None = None, cap: int = CAP, *, copies: Path | None = None,
                      heard: Heard | None = None, limits: Limits | None = None, room: int | None = None,
                      server: Server | None = None) -> Reading:
    """What a directory of another program holds. Never raises for what is in it.

    Args:
        path: the folder; nothing outside of it is opened.
        name: as its owner calls it; only shown.
        clean: where the clean copy of the network of the last level goes, if it is wanted.
        cap: bytes of a file at most.
        copies: a folder for clean copies of all networks, their starting weights and masks, each named by its SHA-256;
            `directory.members[i].clean` then has role -> hash.
        heard: takes how far it is: {"stage": "level 3, replicate 1", "done": 4, "of": 60}.
        limits: what the child of one network may use.
        room: bytes that all clean copies together may have.
        server: stands in for the process's own.

    Returns:
        the card of the network of the last level, with `directory` and `last`.

    Raises:
        LotteryError: the process that reads cannot be started, or a clean copy not be written.
        Stopped: `heard` raised it.
    """
    bounds = limits or Limits(copy=2 * cap)

    def call(entry: str, numbers: list[int], arguments: Mapping[str, Any], copy: Copy | None) -> dict[str, Any]:
        ended = (server or _server).call(entry, numbers, arguments, bounds, copy, may_stop)
        if ended.result is None or misshapen(ended.result):
            raise _error(ended, bounds) if ended.result is None else FileUnreadable(MISSHAPEN)
        return ended.result

    def may_stop(_: dict[str, Any]) -> None:
        if heard is not None:
            heard({})

    known: dict[str, Any] = {"name": _printable(name, NAME), "bytes": 0, "sha256": ""}
    with contextlib.ExitStack() as stack:
        kept = copies
        if clean is not None and kept is None:
            kept = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=clean.parent)))
        try:
            networks = read_directory(path, call, cap, Copies(kept, room) if kept is not None else None, heard)
            last = networks.last
            if last is None:
                raise FileUnreadable("None of the networks of this folder could be read: "
                                     f"{next(iter(networks.reasons), 'there are none.')}")
        except NotRead as error:
            return Reading(_refusal(error, known))
        card = {**EMPTY, "status": "read", **networks.cards[last], **{"name": known["name"]},
                "directory": networks.directory, "last": {**EMPTY, "status": "read", **networks.cards[last]}}
        member = networks.directory["members"][last]
        found = next(iter(member.get("clean", {}).values()), "")
        if clean is None or kept is None or not found:
            return Reading(card)
        try:
            shutil.copyfile(kept / f"{found}.safetensors", clean)
        except OSError as error:
            raise LotteryError(f"The clean copy cannot be written ({error.strerror}): free some space.") from error
        return Reading(card, clean, found)


def ask(entry: str, files: Sequence[Path], arguments: Mapping[str, Any], *, limits: Limits = QUESTION,
        heard: Heard | None = None, server: Server | None = None) -> dict[str, Any]:
    """Ask a question about clean copies.

    Args:
        entry: name of the question, as "spectra".
        files: clean copies.
        arguments: plain JSON.
        limits: what the child may use.
        heard: takes what the child says on its way.
        server: stands in for the process's own.

    Raises:
        NotRead: a file is not there, or the child stopped at a limit.
        LotteryError: what the question itself raises.
    """
    with contextlib.ExitStack() as stack:
        numbers = [stack.enter_context(raw.opened(path)).fileno() for path in files]
        ended = (server or _server).call(entry, numbers, arguments, limits, None, heard, question=True)
    if ended.result is not None:
        return ended.result
    raise _error(ended, limits)


def _card(ended: Ended, known: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """The card out of what a child said; what we know ourselves is not taken from it."""
    if ended.result is None:
        return _refusal(_error(ended, limits), known)
    if wrong := misshapen(ended.result):
        log.debug("a child's card has an odd %s", wrong)
        return _refusal(FileUnreadable(MISSHAPEN), known)
    card = {**EMPTY, "status": "read", **ended.result, **known}
    if card["status"] not in ("read", "refused", "unreadable"):
        card["status"] = "unreadable"
    log.info("%s %s", known["sha256"], card["status"])
    return card


def _refusal(error: LotteryError, known: Mapping[str, Any]) -> dict[str, Any]:
    status = "refused" if isinstance(error, errors.FileRefused) else "unreadable"
    log.info("%s %s", known["sha256"], status)
    return {**EMPTY, **known, "status": status, "reason": _printable(str(error), REASON)}


def _error(ended: Ended, limits: Limits) -> LotteryError:
    """The error to raise for a child that gave no result."""
    if ended.detail:
        log.debug("a child ended: %s", ended.detail)
    if ended.error:
        kind = getattr(errors, ended.error, LotteryError)
        if kind is errors.UnknownName:
            kind = errors.BadInput
        return kind(ended.text) if isinstance(kind, type) and issubclass(kind, LotteryError) \
            else LotteryError(ended.text)
    return {
        "memory": FileUnreadable(limits.memory_reached()),
        "time": FileUnreadable(limits.time_reached()),
        "too much": FileUnreadable("The file is damaged: reading it gave more than it can hold. Save the state "
                                   "dict alone and bring that."),
        LONG_COPY: FileRefused(f"Refused: the tensors of this file are more than {size(limits.copy)} together, the "
                               "most that is read; save the state dict of the network alone."),
        "failed": FileUnreadable("The file could not be read: it is damaged, or holds what is not known here. Save "
                                 "the state dict alone and bring that."),
        "no child": LotteryError("The machine has no room for a process to read the file in; close other programs "
                                 "and try again."),
    }.get(ended.why, FileUnreadable("The file is damaged: the process that read it crashed. Save the state dict alone "
                                    "and bring that."))
