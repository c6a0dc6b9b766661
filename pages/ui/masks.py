"""Masks of stored runs as pictures with a slider: the first layer as its input sees it, any layer as a matrix."""

from __future__ import annotations

import base64
import io
import math
from typing import Any

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Array, text_array, texts
from lth_engine.core.search_table import Table, rows_where
from lth_engine.figures import mask_picture
from pages.ui.component import component
from pages.ui.lab import lab
from pages.ui.words import percent

SHAPES = {"digits": (1, 8, 8), "mnist": (1, 28, 28), "fashion_mnist": (1, 28, 28), "cifar10": (3, 32, 32),
          "cifar100": (3, 32, 32)}
"""(channels, height, width) of the images that come in one size."""


def player(table: Table, layer: str, view: str, data: str, replicate: int, key: str, variant: str = "ticket") -> None:
    """One layer's mask by level, with slider and play button.

    Args:
        table: the search's table, with the keys of its runs.
        layer: parameter name.
        view: "input", "kernels" or "matrix".
        data: name of the data spec, for the shape of its images.
        replicate: which replicate.
        key: unique on the page.
        variant: "ticket" or a control.
    """
    rows = rows_where(table, variant)
    chosen = rows["replicate"] == replicate
    frames = [frame(bytes(run).decode(), layer, view, data, int(level), float(density))
              for run, level, density in zip(rows["key"][chosen], rows["level"][chosen], rows["density"][chosen],
                                             strict=True)]
    if frames:
        component("mask_player")(key=key, data={"frames": frames}, height="content")


def files(table: Table, layer: str, view: str, data: str, replicate: int, variant: str) -> None:
    """Save one level's picture as PNG, and the numbers behind it as CSV."""
    rows = rows_where(table, variant)
    chosen = rows["replicate"] == replicate
    runs = {int(level): bytes(key).decode() for level, key in zip(rows["level"][chosen], rows["key"][chosen],
                                                                  strict=True)}
    if not runs:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        level = st.selectbox("Save level", list(runs), index=len(runs) - 1, key="masks.save", width=120)
        name = f"mask-{layer}-level-{level}-replicate-{replicate}"
        st.download_button("PNG", lambda: large(mask_of(runs[level], layer), view, data), f"{name}.png", "image/png",
                           on_click="ignore", icon=":material/download:", key="masks.png")
        st.download_button("CSV", lambda: _numbers(mask_of(runs[level], layer), view, data), f"{name}.csv",
                           "text/csv", on_click="ignore", icon=":material/download:", key="masks.csv",
                           help="Exactly the numbers of the picture: one line a row of squares.")


@st.cache_data(max_entries=2000, show_spinner=False)
def frame(run: str, layer: str, view: str, data: str, level: int, density: float) -> dict[str, Any]:
    """A picture and its words; a run's key stands for its content, so this never changes."""
    mask = mask_of(run, layer)
    png, words = _picture(mask, view, data)
    return {"src": "data:image/png;base64," + base64.b64encode(png).decode(),
            "title": f"Level {level}: {percent(density)} of all weights kept",
            "caption": f"{layer}: {int(mask.sum()):,} of {mask.size:,} weights kept. {words}"}


def mask_of(run: str, layer: str) -> Array:
    """The mask of one layer of a stored run."""
    return lab().store.read(run, "mask")[layer]


@st.cache_data(max_entries=200, show_spinner=False)
def layers_of(run: str) -> dict[str, tuple[int, ...]]:
    """The prunable layers of a stored run or ticket with their shapes, in the network's order; where only names are
    stored (tickets, runs of early versions), the one that sees the images comes first."""
    shapes = {name: tuple(mask.shape) for name, mask in lab().store.read(run, "mask").items()}
    order = texts(lab().store.read(run, "layers").get("name", text_array([])))
    if order != sorted(order):
        return {name: shapes[name] for name in order}
    made = {shape[0] for shape in shapes.values()}
    return dict(sorted(shapes.items(), key=lambda item: (item[1][1] in made, len(item[1]) != 4)))


def image_shape(data: str, inputs: int) -> tuple[int, int, int] | None:
    """(C, H, W) of the images behind `inputs` input units, None if it cannot be told."""
    known = SHAPES.get(data)
    if known is not None:
        return known if math.prod(known) == inputs else None
    for channels in (1, 3):
        side = math.isqrt(inputs // channels)
        if channels * side * side == inputs:
            return channels, side, side
    return None


def views(shape: tuple[int, ...], data: str, *, first: bool) -> list[str]:
    """How a layer can be looked at, the best first."""
    if len(shape) == 4:
        return ["kernels", "matrix"]
    return ["input", "matrix"] if first and image_shape(data, shape[1]) else ["matrix"]


def _picture(mask: Array, view: str, data: str) -> tuple[bytes, str]:
    shape = image_shape(data, mask.shape[1]) if view == "input" else None
    if shape is not None:
        most = int(mask_picture.input_counts(mask, shape).max())
        least = int(mask_picture.input_counts(mask, shape).min())
        return mask_picture.input_picture(mask, shape, side=1), (
            f"Each square is an input pixel; dark blue is none, yellow the most weights kept at a pixel ({most}; the "
            f"least is {least}).")
    if view == "kernels":
        shown = np.asarray(mask)[:24, :24]
        return mask_picture.kernel_picture(mask, side=1), (
            f"Rows are output, columns input channels ({shown.shape[0]} x {shown.shape[1]} of {mask.shape[0]} x "
            f"{mask.shape[1]} shown); yellow weights are kept.")
    return mask_picture.png(mask_picture.colours(mask_picture.pooled(mask))), (
        "Rows are the layer's outputs, columns its inputs; the yellower, the more weights are kept there.")


def large(mask: Array, view: str, data: str) -> bytes:
    """A mask as PNG, large enough to be looked at alone, in one of the `views`."""
    shape = image_shape(data, mask.shape[1]) if view == "input" else None
    if shape is not None:
        return mask_picture.input_picture(mask, shape)
    return mask_picture.kernel_picture(mask) if view == "kernels" else mask_picture.matrix_picture(mask)


def _numbers(mask: Array, view: str, data: str) -> bytes:
    """What the picture shows: weights kept at each pixel, or the (pooled) matrix; kernels as rows of O x (I k k)."""
    shape = image_shape(data, mask.shape[1]) if view == "input" else None
    if shape is not None:
        grid: Array = mask_picture.input_counts(mask, shape)
    else:
        grid = mask_picture.pooled(mask) if view == "matrix" else mask.reshape(mask.shape[0], -1)
    out = io.StringIO()
    np.savetxt(out, grid, fmt="%g", delimiter=",")
    return out.getvalue().encode()
