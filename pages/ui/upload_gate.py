"""The gate as the page uses it: a folder of one's own, reading a file, asking about what was read.

What the gate raises is a sentence about the file or about this machine; here it becomes a card that says it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lth_engine.core.errors import LotteryError
from lth_engine.gate import ask as gate
from lth_engine.gate.private import Folder
from lth_engine.gate.raw import CAP
from pages.ui.upload_work import Heard

_log = logging.getLogger(__name__)


def folder() -> Folder:
    """A private folder that goes with the visitor."""
    return Folder()


def largest() -> int:
    """Bytes that a file may have."""
    return CAP


def warm() -> None:
    """Start the server of child processes in the background."""
    gate.warm()


def read(path: Path, name: str, clean: Path, room: Callable[[], int], heard: Heard) -> gate.Reading:
    """What a file is, or a directory.

    Args:
        path: where it lies.
        name: as its owner calls it.
        clean: where the clean copy goes; those of a directory go beside it, each named by its SHA-256.
        room: bytes that the visitor may still have here.
        heard: takes what the child says on its way.

    Raises:
        Stopped: `heard` raised it.
    """
    try:
        if path.is_dir():
            return gate.inspect_directory(path, name, clean=clean, copies=clean.parent, heard=heard, room=room())
        return gate.inspect(path, name, clean, heard=heard, room=room())
    except gate.Stopped:
        raise
    except Exception as error:
        return gate.Reading({"status": "unreadable", "reason": _sentence(error), "name": name})


def rename(path: Path, name: str, clean: Path, renaming: Mapping[str, str], heard: Heard) -> gate.Reading:
    """A clean copy whose tensors go by other names, read anew.

    Args:
        path: the clean copy.
        name: of the file.
        clean: where the clean copy under the new names goes.
        renaming: name in the file -> the lab's name.
        heard: takes what the child says on its way.
    """
    try:
        return gate.inspect(path, name, clean, arguments={"renaming": dict(renaming)}, heard=heard)
    except gate.Stopped:
        raise
    except Exception as error:
        return gate.Reading({"status": "unreadable", "reason": _sentence(error), "name": name})


def ask(entry: str, files: Sequence[Path], arguments: Mapping[str, Any], heard: Heard) -> Mapping[str, Any]:
    """The answer to a later question about clean files; what it raises is an answer with a reason."""
    try:
        return gate.ask(entry, files, arguments, heard=heard)
    except gate.Stopped:
        raise
    except Exception as error:
        return {"status": "unreadable", "reason": _sentence(error)}


def _sentence(error: Exception) -> str:
    """What was raised, in words; what nobody expected is logged whole."""
    if isinstance(error, LotteryError):
        return str(error)
    if isinstance(error, OSError):
        return f"The file cannot be used ({error.strerror or error}). Bring it again."
    _log.error("Reading a file failed", exc_info=error)
    return f"The lab itself failed at this file ({type(error).__name__}); its log says where. Nothing of it was run."
