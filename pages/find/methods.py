"""Find > Compare methods: what the tickets of several methods reach, cost and share."""

import streamlit as st

from pages.ui import diagnosing, find_methods, find_methods_masks, find_methods_objectives

st.title("Which method finds the best ticket?")
TABS = {"Accuracy and cost": find_methods, "Objectives": find_methods_objectives,
        "Layers and overlap": find_methods_masks}
places = diagnosing.tabs({title: [part.KIND.name] for title, part in TABS.items()})
for place, part in zip(places, TABS.values(), strict=True):
    if place.open:
        with place:
            part.show()
