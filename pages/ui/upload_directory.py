"""A directory of another lab: its levels and replicates, and the card of the last one."""

from __future__ import annotations

import streamlit as st

from pages.ui import upload_facts, upload_findings, upload_headline, upload_layers
from pages.ui.upload_card import Card, number, part, parts, text, whole
from pages.ui.words import counted, literal


def show(card: Card) -> None:
    """The members as a table, and the card of the last level."""
    found = part(card, "directory")
    members = parts(found, "members")
    st.subheader(f"A directory of {literal(text(found, 'kind') or 'an unknown kind')}: "
                 f"{counted(len(members), 'network')}", anchor=False)
    st.dataframe(table(members), hide_index=True, key="upload.members", column_config={
        "Density": st.column_config.NumberColumn(format="percent")})
    last = part(card, "last")
    if last:
        upload_headline.show(last)
        upload_facts.show(last)
        upload_findings.show(last)
        upload_layers.show(last)


def table(members: list[Card]) -> dict[str, list[object]]:
    """One row a network of the directory."""
    return {
        "Level": [whole(member, "level") for member in members],
        "Replicate": [whole(member, "replicate") for member in members],
        "Branch": [text(member, "branch") for member in members],
        "Density": [number(member, "density") for member in members],
        "Files": [", ".join(f"{role}: {path}" for role, path in part(member, "files").items()) for member in members],
    }
