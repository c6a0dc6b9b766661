"""A ticket's passport: what it holds, and how its ticket is made; its bits are no weights that can be shown images."""

from __future__ import annotations

import streamlit as st

from pages.ui.upload_card import Card, findings, text
from pages.ui.upload_held import Brought
from pages.ui.upload_save import file_name, stem_of
from pages.ui.words import literal

FORMAT = "ticket passport"
"""What a card calls the format of a passport."""


def is_passport(card: Card) -> bool:
    """Whether a card is of a passport."""
    return text(card, "format") == FORMAT


def show(brought: Brought) -> None:
    """What it says, and the command that makes its ticket and holds it against the hash."""
    st.subheader("Make its ticket", anchor=False)
    for finding in findings(brought.card or {}):
        if text(finding, "code") == "passport":
            st.info(literal(text(finding, "text")), icon=":material/badge:")
    st.markdown("A passport holds a mask and the signs of the kept weights as bits, and how the ticket came about. "
                "The ticket itself is made on the command line and held against the hash; bring the file that it "
                "writes, and every page takes it.")
    st.code(f"python -m lth_engine recreate {file_name(brought.name)} --out {stem_of(brought.name)}.safetensors "
            "--as safetensors", language="console")
