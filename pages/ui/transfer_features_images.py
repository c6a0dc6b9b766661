"""Features on other images: what those of a frozen network are worth on a data set that it never saw."""

from __future__ import annotations

import streamlit as st

from lth_engine.specs.features import FeatureTransfer, TransferPanel
from pages.ui import diagnosing, transfer_features_panel
from pages.ui.explaining import glossary
from pages.ui.transfer_features_cost import cost

KINDS = (TransferPanel, FeatureTransfer)


def show() -> None:
    """The tab."""
    st.caption("The frozen network is shown other images, resized to the size of its own, and a new linear classifier "
               "is trained in full on its features.")
    diagnosing.show(KINDS, "moved", lambda done: transfer_features_panel.draw(done, "moved"),
                    partial=transfer_features_panel.PARTIAL, cost=cost,
                    begin=transfer_features_panel.begin)
    glossary({"Other images": "other_images", "Normalisation of a frozen network": "frozen_statistics"}, "moved")
