"""Where a file comes from: dropped on the page, a path on this machine, or an example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from lth_engine.core.errors import BadInput, LotteryError
from lth_engine.core.sizes import size
from pages.ui import upload_examples, upload_held
from pages.ui import upload_gate as gate
from pages.ui.own_images import existing
from pages.ui.reach import paths_allowed
from pages.ui.upload import empty, release
from pages.ui.words import literal

DROP, HERE, EXAMPLE = "Drop a file", "On this machine", "An example"
_CHUNK = 1 << 20


def ask(slot: str, *, expanded: bool) -> None:
    """The panel that asks for the file of a slot.

    Args:
        slot: of :data:`upload_held.SLOTS`.
        expanded: whether it is open; a panel above a card is closed.
    """
    held = upload_held.brought(slot)
    label = "Bring a file" if held is None else f"{literal(held.name)}: bring another"
    with st.expander(label, expanded=expanded, icon=":material/upload_file:",
                     key=f"upload.{slot}.{held is None}"):
        ways = [DROP, HERE, EXAMPLE] if paths_allowed() else [DROP, EXAMPLE]
        way = st.segmented_control("Where is it?", ways, default=DROP, required=True,
                                   key=f"upload.{slot}.way", persist_state="session")
        try:
            {DROP: _drop, HERE: _here, EXAMPLE: _example}[way](slot)
        except LotteryError as error:
            st.error(literal(error), icon=":material/error:")


def _drop(slot: str) -> None:
    key = f"upload.{slot}.file"
    nonce = st.session_state.setdefault(f"{key}.nonce", 0)
    most = gate.largest()
    file = st.file_uploader(f"A checkpoint of up to {size(most)}", key=f"{key}.{nonce}",
                            max_upload_size=max(1, most // 1_000_000),
                            help="PyTorch, safetensors, NumPy or HDF5; told by its content, not by its name.")
    if file is None:
        return
    name = file.name
    try:
        path = _keep(file, most)
    finally:
        release(file)
        empty(key)
    upload_held.bring(slot, name, path)
    st.rerun()


def _keep(file: Any, most: int) -> Path:
    """Copy an upload into the visitor's own folder, under a random name.

    Raises:
        BadInput: it is too large, or the disk is full.
        FileRefused: the visitor's folder is full.
    """
    if file.size > most:
        raise BadInput(f"This file has {size(file.size)}, and the limit is {size(most)}. If it lies on this machine, "
                       "give its path instead.")
    file.seek(0)
    try:
        return upload_held.private().save(iter(lambda: file.read(_CHUNK), b""), most)
    except OSError as error:
        raise BadInput(f"The upload cannot be stored ({error.strerror or error}). Free some space for temporary files "
                       "and bring it again.") from error


def _here(slot: str) -> None:
    with st.form(f"upload.{slot}.here", border=False):
        typed = st.text_input("Path of a file, or of a folder of another lab", key=f"upload.{slot}.path",
                              placeholder="~/runs/model.pt or ~/open_lth_data/lottery_...",
                              help="A folder of open_lth, lth-pacbayes, AWS, TurboPrune, Synaptic-Flow or "
                                   "pruning_is_enough is read with all its levels.")
        read = st.form_submit_button("Read", icon=":material/search:")
    if read and typed.strip():
        path = existing(typed)
        upload_held.bring(slot, path.name or str(path), path)
        st.rerun()


def _example(slot: str) -> None:
    found = upload_examples.EXAMPLES
    chosen = st.selectbox("Example", list(found), format_func=lambda k: found[k].title, key=f"upload.{slot}.example")
    st.caption(found[chosen].why)
    if st.button("Read it", icon=":material/search:", key=f"upload.{slot}.example.read"):
        path = upload_held.private().new("upload")
        upload_examples.write(chosen, path)
        upload_held.bring(slot, found[chosen].file, path)
        st.rerun()
