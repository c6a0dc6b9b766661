"""Two files side by side: how far apart, layer by layer, and whether one was trained on from the other."""

from __future__ import annotations

from pages.ui.upload_held import Brought


def show(first: Brought) -> None:
    """The panel."""
