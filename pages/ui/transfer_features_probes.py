"""Linear probes: how well a linear classifier reads the classes off the features of frozen networks."""

from __future__ import annotations

import streamlit as st

from lth_engine.specs.features import LinearProbe, ProbePanel
from pages.ui import diagnosing, transfer_features_panel
from pages.ui.explaining import glossary
from pages.ui.transfer_features_cost import cost

KINDS = (ProbePanel, LinearProbe)


def show() -> None:
    """The tab."""
    st.caption("Everything but the last layer is frozen, and a new linear classifier is trained on what enters it. "
               "What it reads off an untrained ticket, and not off the untrained dense network, pruning put there.")
    diagnosing.show(KINDS, "probes", lambda done: transfer_features_panel.draw(done, "probes"),
                    partial=transfer_features_panel.PARTIAL, cost=cost,
                    begin=transfer_features_panel.begin)
    glossary({"Linear probe": "linear_probe", "Normalisation of a frozen network": "frozen_statistics"}, "probes")
