"""A directory of another program: its levels and replicates; the card that follows is that of the last level."""

from __future__ import annotations

import streamlit as st

from pages.ui.upload_card import Card, number, part, parts, text, texts, whole
from pages.ui.words import counted, literal


def show(card: Card) -> None:
    """The networks as a table."""
    found = part(card, "directory")
    members = parts(found, "members")
    st.subheader(f"A directory of {literal(text(found, 'kind') or 'an unknown kind')}: "
                 f"{counted(len(members), 'network')}", anchor=False)
    for note in texts(found, "notes"):
        st.markdown(f":material/info: {literal(note)}")
    st.dataframe(table(members), hide_index=True, key="upload.members", column_config={
        "Density": st.column_config.NumberColumn(format="percent"),
        "Accuracy": st.column_config.NumberColumn(format="percent", help="As the logs beside it say.")})
    st.caption("Below is the network of the last level.")


def table(members: list[Card]) -> dict[str, list[object]]:
    """One row a network of the directory."""
    experiments = [text(member, "experiment") for member in members]
    several = {"Experiment": experiments} if len(set(experiments)) > 1 else {}
    return {
        **several,
        "Level": [whole(member, "level") for member in members],
        "Replicate": [whole(member, "replicate") for member in members],
        "Branch": [text(member, "branch") for member in members],
        "Density": [number(member, "density") for member in members],
        "Accuracy": [number(member, "accuracy") for member in members],
        "Files": [", ".join(f"{role}: {path}" for role, path in part(member, "files").items()) for member in members],
        "Notes": [" ".join(texts(member, "notes")) for member in members],
    }
