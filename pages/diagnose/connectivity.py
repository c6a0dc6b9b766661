"""Diagnose > Connectivity: whether two networks lie in one valley, and what their weights have in common."""

import streamlit as st

from pages.ui import diagnose_levels, diagnose_pairs, diagnose_siblings, diagnose_weights, diagnosing

st.title("Do two networks lie in one valley?")
TABS = {"Two networks": diagnose_pairs, "Level to level": diagnose_levels, "Siblings": diagnose_siblings,
        "Weight by weight": diagnose_weights}
places = diagnosing.tabs({title: [part.KIND.name] for title, part in TABS.items()})
for place, part in zip(places, TABS.values(), strict=True):
    if place.open:
        with place:
            part.show()
