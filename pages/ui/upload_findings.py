"""Findings: what the weights alone tell about the health of a network, the worst first, each with its explanation."""

from __future__ import annotations

import re
from collections import Counter

import streamlit as st

from pages.ui.explaining import FOLDER, explained
from pages.ui.upload_card import SEVERITIES, Card, findings, severity, text
from pages.ui.words import counted, literal

_ICONS = {"problem": ":material/dangerous:", "warning": ":material/warning:", "note": ":material/info:",
          "good": ":material/check_circle:"}
_COLOURS = {"problem": "red", "warning": "orange", "note": "blue", "good": "green"}
_WORDS = {"problem": "Problem", "warning": "Warning", "note": "Note", "good": "Good"}

_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")

SHOWN = 30
"""Findings that are drawn; a file may bring about many more."""


def show(card: Card) -> None:
    """All findings."""
    found = findings(card)
    st.subheader("Is it healthy?", anchor=False)
    if not found:
        st.markdown("There is nothing to say from the weights alone.")
        return
    st.caption(_counts(found) + " From the weights alone; no image was looked at.")
    listed(found, "upload.finding")


def listed(found: list[Card], key: str) -> None:
    """One box a finding.

    Args:
        found: the findings, in order.
        key: prefix of the widgets' keys.
    """
    for place, finding in enumerate(found[:SHOWN]):
        _one(finding, f"{key}.{place}")
    if len(found) > SHOWN:
        st.caption(f"{len(found) - SHOWN:,} more are in the JSON below.")


def _counts(found: list[Card]) -> str:
    counts = Counter(severity(finding) for finding in found)
    return ", ".join(counted(counts[kind], _WORDS[kind].lower()) if kind != "good" else f"{counts[kind]} good"
                     for kind in SEVERITIES if counts[kind]) + "."


def _one(finding: Card, key: str) -> None:
    kind = severity(finding)
    about = text(finding, "about")
    with st.container(border=True):
        said, why = st.columns([8, 1], vertical_alignment="center", gap="small")
    said.markdown(f":{_COLOURS[kind]}[{_ICONS[kind]} **{_WORDS[kind]}**] &nbsp; {literal(text(finding, 'text'))}")
    with why:
        if _NAME.fullmatch(about) and (FOLDER / f"{about}.md").is_file():
            explained(about, key, "Why?")
