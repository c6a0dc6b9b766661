"""What is known beyond the card, in words and tables: spectra, speed, two files, images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def more_text(found: Mapping[str, Any]) -> str:
    """The parts that there are."""
    return ""
