"""Transfer > Features: what an untrained ticket knows already, and what that is worth elsewhere."""

import streamlit as st

from pages.ui import diagnosing, transfer_features_few, transfer_features_images, transfer_features_probes

st.title("What does a ticket carry?")
TABS = {"Probes": transfer_features_probes, "Other images": transfer_features_images,
        "Few images": transfer_features_few}
places = diagnosing.tabs({title: [kind.name for kind in part.KINDS] for title, part in TABS.items()})
for place, part in zip(places, TABS.values(), strict=True):
    if place.open:
        with place:
            part.show()
