"""Texts of the pages, from assets/prose."""

from __future__ import annotations

import functools

from pages.ui.frame import ROOT


@functools.cache
def prose(name: str) -> str:
    """The markdown text assets/prose/NAME.md."""
    return (ROOT / "assets" / "prose" / f"{name}.md").read_text(encoding="utf-8")
