"""Where a ticket is thin: the density of each layer, level by level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.look import GRAY, density_axis, empty_figure, nth


def layer_density(levels: Sequence[int], density: Array, names: Sequence[str], layers: Array) -> go.Figure:
    """The density of each layer (%, log) over the density of the whole network (%).

    Args:
        levels: L level numbers.
        density: L densities of the whole network, in (0, 1].
        names: P parameter names.
        layers: L x P densities of the layers, in [0, 1]; a layer without weights is not drawn there.
    """
    figure = empty_figure()
    x = [100 * float(d) for d in density]
    figure.add_scatter(x=x, y=x, mode="lines", name="whole network", line={"color": GRAY, "dash": "dot", "width": 2},
                       hoverinfo="skip")
    for index, name in enumerate(names):
        style = nth(index, name)
        figure.add_scatter(
            x=x, y=[100 * float(v) if v > 0 else None for v in layers[:, index]], mode="lines+markers", name=name,
            line={"color": style.colour, "dash": style.dash, "width": 2},
            marker={"color": style.colour, "symbol": style.symbol, "size": 8},
            customdata=[[int(level)] for level in levels],
            meta={"x": "density_percent", "y": "layer_density_percent", "more": ["level"]},
            hovertemplate=name + "<br>level %{customdata[0]}, network %{x:.3g} %<br><b>layer %{y:.3g} %</b>"
                          "<extra></extra>")
    density_axis(figure)
    lowest = float(np.min(layers[layers > 0])) if np.any(layers > 0) else 0.01
    ticks = [t for t in (100, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01) if t >= 40 * lowest]
    figure.update_yaxes(title_text="Density of the layer (%, log scale)", type="log", tickvals=ticks,
                        ticktext=[f"{t:g}" for t in ticks])
    return figure
