"""What each level cost: bars by level, stacked by variant."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.search_table import Table, rows_where, variants
from lth_engine.figures.look import empty_figure, look

COSTS: dict[str, tuple[str, float]] = {
    "train_seconds": ("Training time (s)", 1.0),
    "epochs": ("Training (epochs)", 1.0),
    "flops_dense": ("Compute as done, dense kernels (TFLOP)", 1e-12),
    "flops_sparse": ("Compute if zeros were free (TFLOP)", 1e-12),
}
"""Columns that are a price: axis title, and factor from stored to drawn value."""

_PATTERNS = {"ticket": "", "random_mask": "/", "redrawn": ".", "shuffled_mask": "x", "sign_transfer": "-"}


def price_by_level(table: Table, cost: str = "train_seconds") -> go.Figure:
    """The sum over replicates of a column of COSTS, a bar a level, a segment a variant."""
    title, scale = COSTS[cost]
    figure = empty_figure()
    for variant in variants(table):
        rows, style = rows_where(table, variant), look(variant)
        if cost not in rows:
            continue
        levels = [int(level) for level in np.unique(rows["level"])]
        chosen = [rows["level"] == level for level in levels]
        figure.add_bar(
            x=levels, y=[float(np.nansum(rows[cost][c])) * scale for c in chosen], name=style.label,
            marker={"color": style.colour, "pattern": {"shape": _PATTERNS.get(variant, "+")}},
            customdata=[[int(c.sum()), 100 * float(np.mean(rows["density"][c]))] for c in chosen],
            meta={"x": "level", "y": cost, "more": ["runs", "density_percent"]},
            hovertemplate=style.label + "<br>level %{x} (density %{customdata[1]:.3g} %)<br><b>%{y:.4g}</b> for "
                          "%{customdata[0]} runs<extra></extra>")
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title_text="Level (0 is the dense network)", dtick=1)
    figure.update_yaxes(title_text=title)
    return figure
