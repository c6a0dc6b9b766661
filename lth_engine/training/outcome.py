"""What is said of a network at the end of its training, whoever trained it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lth_engine.core.artifact import Array, Scalar, text_array
from lth_engine.core.mask import Mask
from lth_engine.training.invariants import disconnected

HISTOGRAM_BINS = 60
"""Bins of a weight histogram."""

Weights = Mapping[str, Array]


def masked(weights: Weights, mask: Mask) -> dict[str, Array]:
    """Pruned weights as +0: the loop's multiplication leaves -0 where a weight was negative."""
    return {name: np.where(mask[name], value, np.zeros((), value.dtype)) if name in mask else value
            for name, value in weights.items()}


def network_arrays(mask: Mask, final: Weights) -> dict[str, Array]:
    """mask/NAME and final/NAME; layers/name, size, kept and density, in the network's order, which is that of `final`;
    histogram/NAME and histogram_edges/NAME of the kept weights."""
    layers = {name: mask[name] for name in final if name in mask}
    arrays: dict[str, Array] = {f"mask/{name}": kept for name, kept in layers.items()}
    arrays |= {f"final/{name}": value for name, value in final.items()}
    arrays |= {"layers/name": text_array(list(layers)), "layers/size": np.array([m.size for m in layers.values()]),
               "layers/kept": np.array([int(m.sum()) for m in layers.values()]),
               "layers/density": np.array([float(m.mean()) for m in layers.values()])}
    for name, kept in layers.items():
        counts, edges = np.histogram(final[name][kept], bins=HISTOGRAM_BINS)
        arrays |= {f"histogram/{name}": counts, f"histogram_edges/{name}": edges}
    return arrays


def connections(mask: Mask) -> dict[str, Scalar]:
    """What a mask leaves connected: thinnest_layer and thinnest_density, disconnected_units, dead_layers."""
    units, layers = disconnected(mask)
    density = mask.layer_density()
    thinnest = min(density, key=lambda name: density[name])
    return {"thinnest_layer": thinnest, "thinnest_density": density[thinnest], "disconnected_units": units,
            "dead_layers": layers}


def learning_distance(mask: Mask, start: Weights, final: Weights) -> float:
    """L2 norm of the change of the kept prunable weights (Pruning Close to Home, Eq. 2)."""
    squares = sum(float(np.square(final[n][kept].astype(np.float64) - start[n][kept]).sum())
                  for n, kept in mask.items())
    return float(np.sqrt(squares))
