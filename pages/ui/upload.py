"""An upload of one of a few kinds of file; another kind is refused in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException


def upload(label: str, kinds: Sequence[str], key: str, **more: Any) -> Any:
    """The uploaded file, or None. `kinds` are endings without the dot."""
    nonce = st.session_state.setdefault(f"{key}.nonce", 0)
    try:
        return st.file_uploader(label, type=list(kinds), key=f"{key}.{nonce}", **more)
    except StreamlitAPIException:
        refuse_kind(kinds)
        another(key)
        return st.file_uploader(label, type=list(kinds), key=f"{key}.{nonce + 1}", **more)


def refuse_kind(kinds: Sequence[str]) -> None:
    """Say which kinds of file can be uploaded."""
    st.error(f"An upload must be a {' or '.join(f'.{kind}' for kind in kinds)} file. Choose another.",
             icon=":material/error:")


def another(key: str) -> None:
    """Empty the uploader from the next run of the page on."""
    st.session_state[f"{key}.nonce"] += 1
