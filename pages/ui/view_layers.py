"""Views into the network: the density of its layers, its masks, its weights."""

from __future__ import annotations

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Array, texts
from lth_engine.core.search_table import Table, rows_where, variants
from lth_engine.figures.histogram import weight_histogram
from lth_engine.figures.layers import layer_density
from lth_engine.figures.look import look
from pages.ui.chart import chart
from pages.ui.lab import lab
from pages.ui.masks import files, layers_of, player, views
from pages.ui.picker import one_of
from pages.ui.searching import Searching

_VIEWS = {"input": "As the input sees it", "kernels": "Kernels", "matrix": "As a matrix"}
BINS = 60


def density(states: list[Searching]) -> None:
    """The density of each layer by level, mean over the replicates."""
    state = one_of(states, "layers.search")
    variant = _variant(state.table, "layers.variant")
    rows = rows_where(state.table, variant)
    levels = [int(level) for level in np.unique(rows["level"])]
    names = list(_layers(bytes(rows["key"][0]).decode()))
    layers, overall = [], []
    for level in levels:
        chosen = rows["level"] == level
        read = [_layers(bytes(key).decode()) for key in rows["key"][chosen]]
        layers.append(np.mean([[run[name] for name in names] for run in read], axis=0))
        overall.append(float(np.mean(rows["density"][chosen])))
    chart(layer_density(levels, np.array(overall), names, np.array(layers)), "layer-density",
          f"Density of each layer by level: {look(variant).label.lower()}")
    st.caption("A layer below the dotted line is pruned more than the network as a whole. Means over the replicates.")


def masks(states: list[Searching]) -> None:
    """A layer's mask as a picture, level by level."""
    state = one_of(states, "masks.search")
    table = state.table
    shapes = layers_of(bytes(table["key"][0]).decode())
    first = next(iter(shapes))
    cells = st.columns(4)
    with cells[0]:
        layer = st.selectbox("Layer", list(shapes), key="masks.layer",
                             format_func=lambda n: f"{n} ({' x '.join(map(str, shapes[n]))})")
    with cells[1]:
        ways = views(shapes[layer], state.search.data.name, first=layer == first)
        way = st.selectbox("View", ways, format_func=_VIEWS.__getitem__, key=f"masks.view.{'-'.join(ways)}")
    with cells[2]:
        variant = _variant(table, "masks.variant")
    with cells[3]:
        replicate = _replicate(state, "masks.replicate")
    place, _ = st.columns([3, 2])
    with place:
        player(table, layer, way, state.search.data.name, replicate, "explore-mask", variant)
        files(table, layer, way, state.search.data.name, replicate, variant)


def weights(states: list[Searching]) -> None:
    """The kept weights of a layer where training starts and where it ends."""
    state = one_of(states, "weights.search")
    table = state.table
    shapes = layers_of(bytes(table["key"][0]).decode())
    cells = st.columns(4)
    with cells[0]:
        layer = st.selectbox("Layer", list(shapes), key="weights.layer")
    with cells[1]:
        variant = _variant(table, "weights.variant")
    rows = rows_where(table, variant)
    with cells[2]:
        replicate = _replicate(state, "weights.replicate")
    levels = sorted({int(v) for v in rows["level"][rows["replicate"] == replicate]})
    with cells[3]:
        level = st.selectbox("Level", levels, index=len(levels) - 1, key="weights.level")
    run = state.search.run(level, replicate, variant if level else "ticket")
    before, after = _weights(run.key, run.ticket.key, layer)
    if not after.size:
        st.info(f"{layer} keeps no weight at level {level}.", icon=":material/info:")
        return
    edges = np.histogram_bin_edges(np.concatenate([before, after]), BINS)
    counts = np.array([np.histogram(values, edges)[0] for values in (before, after)])
    chart(weight_histogram(edges, counts, ["where training starts", "after training"]), "weight-histogram",
          f"Kept weights of {layer} at level {level}, replicate {replicate}")
    st.caption(f"{after.size:,} kept weights in {BINS} bins. Pruned weights are left out: all of them are 0.")


@st.cache_data(max_entries=2000, show_spinner=False)
def _layers(run: str) -> dict[str, float]:
    """Density of each layer of a stored run; a key stands for its content, so this never changes. In the network's
    order; runs of early versions have their layers by name."""
    found = lab().store.read(run, "layers")
    return dict(zip(texts(found["name"]), found["density"].tolist(), strict=True))


@st.cache_data(max_entries=64, show_spinner=False)
def _weights(run: str, ticket: str, layer: str) -> tuple[Array, Array]:
    """The kept weights of one layer, before and after training."""
    store = lab().store
    kept = store.read(run, "mask")[layer]
    return store.read(ticket, "start")[layer][kept], store.read(run, "final")[layer][kept]


def _variant(table: Table, key: str) -> str:
    return st.selectbox("Variant", variants(table), format_func=lambda v: look(v).label, key=key)


def _replicate(state: Searching, key: str) -> int:
    return int(st.selectbox("Replicate", range(state.search.replicates), key=key))
