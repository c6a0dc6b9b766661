"""An upload of one of a few kinds of file; another kind is refused in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from lth_engine.core.errors import BadInput


def upload(label: str, kinds: Sequence[str], key: str, **more: Any) -> Any:
    """Ask for a file.

    Args:
        label: what is asked for.
        kinds: endings without the dot.
        key: prefix of the widget's key.
        **more: for the widget.

    Returns:
        the uploaded file, or None.

    Raises:
        BadInput: it has another ending.
    """
    nonce = st.session_state.setdefault(f"{key}.nonce", 0)
    # A MIME type among the kinds leaves the check of the ending to us: the widget's own is an exception box.
    file = st.file_uploader(label, type=[*(f".{kind}" for kind in kinds), f"application/{kinds[0]}"],
                            key=f"{key}.{nonce}", **more)
    if file is not None and not file.name.lower().endswith(tuple(f".{kind}" for kind in kinds)):
        raise BadInput(f"An upload must be a {' or '.join(f'.{kind}' for kind in kinds)} file. Choose another.")
    return file


def empty(key: str) -> None:
    """Empty the uploader from the next run of the page on."""
    st.session_state[f"{key}.nonce"] += 1


def release(file: Any) -> None:
    """Let go of the server's copy of an upload at once; Streamlit would keep it in memory."""
    context = get_script_run_ctx()
    if context is not None:
        context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=file.file_id)
    file.close()
