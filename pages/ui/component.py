"""Components of our own, from three small files each in assets/components."""

from __future__ import annotations

import functools
from typing import Any

import streamlit as st

from pages.ui.frame import ROOT

_FOLDER = ROOT / "assets" / "components"


@functools.cache
def component(name: str) -> Any:
    """Register assets/components/NAME.{html,css,js}; call the result with `data` and `key` to place it."""
    html, css, js = ((_FOLDER / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component(f"lab_{name}", html=html, css=css, js=js)
