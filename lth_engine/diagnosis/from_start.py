"""How far a network that somebody brought has come from what it was initialised with."""

from __future__ import annotations

from typing import Any

import numpy as np

from lth_engine.diagnosis.brought import Brought
from lth_engine.training.invariants import signs_kept
from lth_engine.training.outcome import learning_distance


def from_start(network: Brought, start: Brought) -> dict[str, Any]:
    """Distances and signs, as JSON values.

    Returns:
        distance: L2 norm of the change of all parameters but the pruned weights.
        relative: distance over the norm of the start, of the same parameters.
        learning_distance: L2 norm of the change of the kept prunable weights (Pruning Close to Home, Eq. 2).
        signs_kept: fraction of the kept weights with the sign that they began with.
        layers: name (in the file), distance and signs_kept of each prunable parameter, over its kept weights.

    Raises:
        BadInput: the two are different networks.
    """
    network.require_same(start, "A distance from the initialisation needs that of the same network")
    mask, before, after = network.mask, start.weights(), network.weights()
    squares, length = 0.0, 0.0
    layers = []
    for name, _ in network.model.named_parameters():
        kept = mask[name] if name in mask else np.ones(after[name].shape, bool)
        old, new = before[name][kept].astype(np.float64), after[name][kept].astype(np.float64)
        square = float(np.square(new - old).sum())
        squares, length = squares + square, length + float(np.square(old).sum())
        if name in mask:
            same = float((np.sign(new) == np.sign(old)).mean()) if kept.any() else None
            layers.append({"name": network.names.get(name, name), "distance": square ** 0.5, "signs_kept": same})
    return {"distance": squares ** 0.5, "relative": squares ** 0.5 / length ** 0.5 if length else None,
            "learning_distance": learning_distance(mask, before, after),
            "signs_kept": signs_kept(mask, before, after) if mask.kept else None,
            "layers": layers}
