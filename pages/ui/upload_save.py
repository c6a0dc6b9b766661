"""Taking something along: the card as JSON, the clean copy, and the same on the command line."""

from __future__ import annotations

import json
from pathlib import PurePath

import streamlit as st

from pages.ui.upload_held import Brought


def show(brought: Brought, *, passport: bool) -> None:
    """Downloads and the command line.

    Args:
        brought: the file.
        passport: whether a passport can be written of it.
    """
    assert brought.card is not None
    stem = stem_of(brought.name)
    with st.expander("Save the card, or ask the same on the command line", icon=":material/download:"):
        with st.container(horizontal=True):
            st.download_button("Card (JSON)", json.dumps(dict(brought.card), indent=1), f"{stem}.card.json",
                               "application/json", key="upload.save.card", on_click="ignore",
                               icon=":material/data_object:")
            if brought.clean is not None and brought.clean.is_file():
                st.download_button("Its tensors (safetensors)", lambda: _content(brought), f"{stem}.safetensors",
                                   "application/octet-stream", key="upload.save.clean", on_click="ignore",
                                   icon=":material/shield:",
                                   help="A clean copy that the lab wrote: the tensors and nothing else, safe to load.")
        name = file_name(brought.name)
        command = f"python -m lth_engine diagnose {name} --json"
        if passport:
            st.caption("On the command line: the card, and a passport of the ticket, which makes it anew and "
                       "is checked by its hash. It carries the mask, the signs and the kept weights.")
            command += f"\npython -m lth_engine passport --of {name} --out {stem}.passport"
        else:
            st.caption("On the command line: the card.")
        st.code(command, language="console")


def _content(brought: Brought) -> bytes:
    return b"" if brought.clean is None else brought.clean.read_bytes()


def file_name(name: str) -> str:
    """The whole name, as safe."""
    return stem_of(name) + _ending(name)


def stem_of(name: str) -> str:
    """A file name that is safe everywhere: letters, digits, dots and dashes of the one that the file has."""
    stem = PurePath(name).stem
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in stem)[:60].lstrip(".-") or "file"


def _ending(name: str) -> str:
    ending = PurePath(name).suffix
    return ending if ending[1:].isascii() and ending[1:].isalnum() and len(ending) < 16 else ""
