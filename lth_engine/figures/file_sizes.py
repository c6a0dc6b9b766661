"""What a pruned network takes on a disk, stored in several ways."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from lth_engine.figures.look import SERIES, empty_figure


def file_sizes(sizes: Mapping[str, int]) -> go.Figure:
    """A bar a way of storing it (megabytes), with its share of the first one.

    Args:
        sizes: way in words -> bytes.
    """
    figure = empty_figure(110 + 42 * len(sizes))
    names, megabytes = list(sizes), [count / 1e6 for count in sizes.values()]
    first = megabytes[0] if megabytes and megabytes[0] > 0 else 1.0
    figure.add_bar(
        x=megabytes, y=names, orientation="h", name="size", marker={"color": SERIES[2]},
        text=[f"{value:.3g} MB, {100 * value / first:.3g} %" for value in megabytes], textposition="outside",
        cliponaxis=False, meta={"x": "megabytes", "y": "stored_as"},
        hovertemplate="%{y}: <b>%{x:.4g} MB</b><extra></extra>")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text="Size (MB)", range=[0, 1.35 * max([*megabytes, 1e-9])])
    figure.update_layout(showlegend=False)
    return figure
