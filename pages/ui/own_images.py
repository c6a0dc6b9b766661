"""The part of the form where people bring their own images: a path on this machine, or an upload."""

from __future__ import annotations

import hashlib
import os
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from lth_engine.core.errors import BadInput
from lth_engine.core.fingerprint import fingerprint
from lth_engine.specs.data import OwnImages
from lth_engine.specs.questions import TicketSearch
from pages.ui.lab import lab
from pages.ui.reach import paths_allowed
from pages.ui.upload import empty, release, upload
from pages.ui.words import literal

_CHUNK = 1 << 20
SUFFIXES = ("zip", "npz")


def path_input(start: Mapping[str, Any], key: str) -> str:
    """Ask for the images.

    Returns:
        where they are.

    Raises:
        BadInput: there is nothing there yet; it has been said.
    """
    ways = ["On this machine", "Upload"] if paths_allowed() else ["Upload"]
    way = st.segmented_control("Where are the images?", ways, default=ways[0], required=True, key=f"{key}.way")
    if way == "On this machine":
        typed = st.text_input("Path", value=start.get("path", ""), key=f"{key}.path", persist_state="session",
                              placeholder="~/flowers or flowers.zip or flowers.npz",
                              help="A folder with one folder a class (with or without train/ and test/ above them), a "
                                   "zip of that, or an .npz with x (N x H x W or N x H x W x C) and y.")
        if not typed.strip():
            st.info("Name the folder, .zip or .npz that holds your images.", icon=":material/info:")
            raise BadInput("No path yet.")
        try:
            return str(existing(typed))
        except BadInput as error:
            st.error(literal(error), icon=":material/error:")
            raise
    kept = st.session_state.get(f"{key}.kept")
    try:
        file = upload("A .zip of class folders, or an .npz", SUFFIXES, f"{key}.upload")
        if file is not None:
            st.session_state[f"{key}.kept"] = str(keep(file, lab().data_root / "uploads"))
    except BadInput as error:
        st.error(literal(error), icon=":material/error:")
        raise
    if file is not None:
        release(file)
        empty(f"{key}.upload")
        st.rerun()
    if kept is None:
        st.caption("It is stored under its SHA-256 in the lab's data folder, and read by the worker, never run.")
        raise BadInput("Nothing uploaded yet.")
    st.success(f"Stored as {Path(kept).name[:12]}...{Path(kept).suffix}", icon=":material/check:")
    return str(kept)


def existing(typed: str) -> Path:
    """The file or folder at a path that somebody typed.

    Raises:
        BadInput: it cannot be a path, or nothing is there.
    """
    try:
        path = Path(typed.strip()).expanduser().absolute()
        there = path.exists()
    except (RuntimeError, ValueError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"This cannot be a path: {reason}. Correct it.") from error
    if not there:
        raise BadInput(f"There is nothing at {path}. Correct the path.")
    return path


def keep(file: Any, folder: Path) -> Path:
    """Store an uploaded file under the SHA-256 of its content; its own name is not used.

    Raises:
        BadInput: it is no archive or an empty one, or the folder cannot be written.
    """
    suffix = Path(file.name).suffix.lower().lstrip(".")
    _require_content(file, suffix)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _write(file, folder, suffix)
    except OSError as error:
        raise BadInput(f"The upload cannot be stored in {folder} ({error.strerror or error}). Free some space there, "
                       "or set LTH_DATA to a folder that can be written and restart.") from error


def _require_content(file: Any, suffix: str) -> None:
    """Refuse a file that is no zip (an .npz is one as well), or that holds no file."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            hollow = all(entry.is_dir() for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise BadInput(f"The upload is no .{suffix}, or only a part of one. Choose another file.") from error
    if hollow:
        raise BadInput(f"The uploaded .{suffix} is empty. Choose one that holds images.")


def _write(file: Any, folder: Path, suffix: str) -> Path:
    """Copy under the hash of what was copied; nothing stays behind if it fails."""
    digest, part = hashlib.sha256(), folder / f".{uuid.uuid4().hex}.part"
    file.seek(0)
    try:
        with part.open("wb") as out:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                out.write(chunk)
        target = folder / f"{digest.hexdigest()}.{suffix}"
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def with_fingerprint(search: TicketSearch) -> TicketSearch:
    """The search with its own images' fingerprint filled in; reads all of them, and remembers it.

    Raises:
        BadInput: there are no images at the path.
    """
    data = search.data
    if not isinstance(data, OwnImages):
        return search
    found = fingerprint(Path(data.path))
    st.session_state.setdefault("fingerprints", {})[data.path] = found
    return search.replace(data=data.replace(fingerprint=found))


def remembered(search: TicketSearch) -> TicketSearch:
    """The search with the fingerprint that this session found at its path before, if any."""
    data = search.data
    if not isinstance(data, OwnImages) or data.fingerprint:
        return search
    return search.replace(data=data.replace(fingerprint=st.session_state.get("fingerprints", {}).get(data.path, "")))
