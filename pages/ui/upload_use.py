"""Using a file in the lab: as a network that every page accepts."""

from __future__ import annotations

from pages.ui.upload_held import Brought


def show(brought: Brought) -> None:
    """The panel."""
