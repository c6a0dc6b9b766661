"""A figure on a page: drawn in the app's colours, saved in the figure's own, with its numbers."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from lth_engine.figures.table import csv_of
from pages.ui.component import component
from pages.ui.frame import teaching

PLOTLY_URL = "/lab/plotly.js"
"""Where the browser finds the plotting library when a figure is saved as SVG or PNG."""

_CONFIG = {"displaylogo": False, "showSendToCloud": False, "displayModeBar": False}


def chart(figure: Any, key: str, alt: str, *, save: bool = True) -> None:
    """Draw a plotly figure.

    Args:
        figure: the figure.
        key: unique on the page, and the name of the saved files.
        alt: one sentence for those who cannot see it, and the figure's name.
        save: offer SVG, PNG and CSV.
    """
    shown = figure
    if teaching():
        shown = _large(figure)
    st.plotly_chart(shown, key=key, config=_CONFIG, alt=alt, theme="streamlit")
    if save:
        downloads(figure, key, alt)


def _large(figure: Any) -> Any:
    """A copy to be read from the last row; sizes are set one by one, since the theme sets them too."""
    shown, font = figure.__class__(figure), {"size": 20}
    shown.update_layout(font=font, legend={"font": font}, height=int(1.25 * (figure.layout.height or 420)))
    for axes in (shown.update_xaxes, shown.update_yaxes):
        axes(tickfont=font, title_font=font)
    shown.update_annotations(font_size=18)
    shown.update_traces(textfont_size=20, selector={"mode": "text"})
    shown.update_traces(line_width=4, selector={"mode": "lines+markers"})
    return shown


def downloads(figure: Any, key: str, title: str) -> None:
    """Buttons that save the figure as SVG, PNG and CSV."""
    saved = figure.__class__(figure)
    saved.update_layout(title={"text": title, "font": {"size": 16}}, margin={"t": 60, "b": 110})
    component("download")(
        key=f"{key}-save", height="content",
        data={"figure": json.dumps(saved.to_plotly_json(), default=_plain), "csv": csv_of(figure), "name": key,
              "title": title, "library": PLOTLY_URL, "width": 960, "height": 600})


def _plain(value: Any) -> Any:
    """Arrays and other values of plotly's tree as JSON."""
    return value.tolist() if hasattr(value, "tolist") else value.to_plotly_json()
