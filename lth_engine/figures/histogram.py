"""The weights of one layer before and after training, as two histograms."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.look import VARIANTS, empty_figure, translucent


def weight_histogram(edges: Array, counts: Array, names: Sequence[str]) -> go.Figure:
    """Counts of kept weights by value, as filled steps.

    Args:
        edges: B + 1 edges, in the unit of the weights.
        counts: S x B counts, one row a series.
        names: S names of the series ("at the rewind point", "after training").
    """
    figure = empty_figure()
    looks = (VARIANTS["random_mask"], VARIANTS["ticket"])
    left, right = [float(e) for e in edges[:-1]], [float(e) for e in edges[1:]]
    for row, name, style in zip(counts, names, looks, strict=False):
        middle = [(a + b) / 2 for a, b in zip(left, right, strict=True)]
        figure.add_scatter(
            x=middle, y=[int(c) for c in row], mode="lines", name=name, line_shape="hvh", fill="tozeroy",
            fillcolor=translucent(style.colour, 0.22), line={"color": style.colour, "dash": style.dash, "width": 1.8},
            customdata=[list(pair) for pair in zip(left, right, strict=True)],
            meta={"x": "bin_centre", "y": "weights", "more": ["from", "to"]},
            hovertemplate=name + "<br>%{customdata[0]:.3g} to %{customdata[1]:.3g}: <b>%{y}</b> weights"
                          "<extra></extra>")
    figure.update_xaxes(title_text="Value of the weight")
    figure.update_yaxes(title_text="Kept weights in the bin")
    return figure
