"""Spectra of weight matrices: how large, how concentrated, what lies beyond chance, and whether the tail is heavy.

A convolution is taken as a matrix of outputs x (inputs and places). Eigenvalues are those of W W' / N of the M x N
matrix (M <= N), that is, squared singular values over N, with the mask applied. The exponent of the tail is told where
it means something; where it does not, the reason is.

Source: Martin & Mahoney 2021, Implicit self-regularization in deep neural networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from lth_engine.core.artifact import Array
from lth_engine.diagnosis import heavy_tail
from lth_engine.diagnosis.anatomy import Layer, lay_out
from lth_engine.diagnosis.bulk import Bulk, bulk
from lth_engine.diagnosis.card import strictly
from lth_engine.diagnosis.findings.finding import counted
from lth_engine.diagnosis.opened import opened

LEAST = 50
"""Eigenvalues below which no tail is fitted (Clauset et al. 2009 find fits of fewer values unreliable)."""

LARGEST = 3000
"""Rows of the smaller side beyond which eigenvalues take minutes."""

KEPT_A_ROW = 10
"""Kept weights of a row, on the mean, below which single weights make eigenvalues: a sparse matrix has such a tail
whatever it has learned."""

HEAVY = 6.0
"""Exponent above which a tail is not heavy: that of a random matrix is fitted by such a number (Martin & Mahoney)."""

LIKE_A_DRAW = 0.1
"""Distance from Marchenko and Pastur's law below which a spectrum is that of random weights: draws of 50 rows or more
come within 0.03, trained layers that learned little within 0.1."""

OUTSIDE = 0.25
"""Share of the tail that must lie beyond the bulk where the spectrum is otherwise that of random weights."""

SHOWN = 400
"""Eigenvalues of a layer that are told."""

ALL_ABOVE = 100
"""The largest eigenvalues are all told, the rest thinned."""


def spectra(files: list[Path], arguments: Mapping[str, Any], emit: Callable[[dict[str, Any]], None],
            out: BinaryIO | None) -> dict[str, Any]:
    """The spectrum of each weight matrix of a clean copy.

    Args:
        files: one clean copy.
        arguments: "layers", names of the layers wanted; all prunable ones if it is not there.
        emit: gets {"done": how many layers, "of": all, "layer": as in the answer} after each layer.
        out: unused.

    Returns:
        "layers": a list, each with name, shape, rows, columns, spectral_norm, stable_rank, eigenvalues (ascending, at
        most SHOWN), bulk (variance, lower, upper, limit, spikes, distance) and tail (applies, reason; alpha, error,
        lowest, count, distance, p where there is a fit that applies), text. What cannot be computed is None.
    """
    wanted = arguments.get("layers")
    layers = [layer for layer in lay_out(opened(files[0])).prunable if wanted is None or layer.name in wanted]
    told = []
    for index, layer in enumerate(layers):
        told.append(strictly(spectrum(layer)))
        emit({"done": index + 1, "of": len(layers), "layer": told[-1]})
    return {"layers": told}


def spectrum(layer: Layer) -> dict[str, Any]:
    """What :func:`spectra` tells of one layer."""
    rows, columns = sides(layer)
    found: dict[str, Any] = {"name": layer.name, "shape": list(layer.weight.shape), "rows": rows, "columns": columns,
                             "spectral_norm": None, "stable_rank": None, "eigenvalues": [], "bulk": None}
    if not layer.finite:
        return found | _none("it holds NaN or infinity")
    if not layer.alive:
        return found | _none("all its weights are 0")
    if rows > LARGEST:
        return found | _none(f"its smaller side has {rows:,} rows, more than the {LARGEST:,} that take a moment")
    values = eigenvalues(layer)
    beside = bulk(values, columns)
    found |= {"spectral_norm": float((values[-1] * columns)**0.5), "stable_rank": float(values.sum() / values[-1]),
              "eigenvalues": _thinned(values), "bulk": vars(beside)}
    return found | _tail(layer, values, beside)


def sides(layer: Layer) -> tuple[int, int]:
    """Smaller and larger side of the matrix."""
    a, b = layer.rows, layer.size // layer.rows
    return min(a, b), max(a, b)


def eigenvalues(layer: Layer) -> Array:
    """Eigenvalues of W W' / N, ascending, those that rounding made negative set to 0."""
    matrix = layer.effective().reshape(layer.rows, -1).double()
    if matrix.shape[0] > matrix.shape[1]:
        matrix = matrix.T
    found = torch.linalg.eigvalsh(matrix @ matrix.T / matrix.shape[1]).clamp_min_(0).numpy()
    values: Array = np.where(found > found[-1] * len(found) * np.finfo(np.float64).eps, found, 0.0)
    return values


def _tail(layer: Layer, values: Array, beside: Bulk) -> dict[str, Any]:
    """The heavy tail with all that is known of it, or the reason why none is told."""
    positive = values[values > 0]
    rows, _ = sides(layer)
    if len(positive) < LEAST:
        return _none(f"it has {counted(len(positive), 'eigenvalue')} above 0, and a tail needs at least {LEAST}",
                     beside)
    if layer.alive < KEPT_A_ROW * rows:
        return _none(f"it keeps {layer.alive / rows:.1f} weights a row, and below {KEPT_A_ROW} single weights make "
                     "the largest eigenvalues", beside)
    if positive[-1] <= positive[-heavy_tail.LEAST_TAIL] * (1 + 1e-6):
        return _none("its largest eigenvalues are all equal, as of an orthogonal matrix", beside)
    fitted = heavy_tail.fit(positive)
    if beside.distance < LIKE_A_DRAW and beside.spikes < OUTSIDE * fitted.count:
        return _none("its eigenvalues are those of random weights"
                     + (f" but for {beside.spikes}" if beside.spikes else "")
                     + f" (distance {beside.distance:.2f}), and any exponent would be that of chance", beside)
    if fitted.alpha > HEAVY:
        return _none("its largest eigenvalues fall off faster than any heavy tail, as those of a draw do (a fit "
                     f"would give an exponent above {HEAVY:.0f})", beside)
    p = heavy_tail.plausibility(positive, fitted)
    if p <= heavy_tail.BELIEVED:
        return _none(f"a power law does not fit its largest eigenvalues: only {p:.0%} of samples of the best one lie "
                     f"as far from their fits, and {heavy_tail.BELIEVED:.0%} are asked for", beside)
    told = {"applies": True, "reason": "", **vars(fitted), "p": p}
    return {"tail": told, "text": f"Its {fitted.count} largest eigenvalues follow a power law with exponent "
            f"{fitted.alpha:.2f} +- {fitted.error:.2f} (p = {p:.2f}), a heavy tail. {_spikes(beside)}"}


def _none(reason: str, beside: Bulk | None = None) -> dict[str, Any]:
    text = f"No exponent is told, as {reason}."
    return {"tail": {"applies": False, "reason": f"{reason[0].upper()}{reason[1:]}."},
            "text": text if beside is None else f"{text} {_spikes(beside)}"}


def _spikes(beside: Bulk) -> str:
    if not beside.spikes:
        return "No eigenvalue is larger than those of random weights of this variance."
    return f"{counted(beside.spikes, 'eigenvalue')} {'is' if beside.spikes == 1 else 'are'} larger than any of " \
           f"random weights of this variance (at most {beside.limit:.3g})."


def _thinned(values: Array) -> list[float]:
    """All of the largest and some of the rest, ascending."""
    if len(values) <= SHOWN:
        return [float(value) for value in values]
    rest = len(values) - ALL_ABOVE
    chosen = np.unique(np.linspace(0, rest - 1, SHOWN - ALL_ABOVE).astype(int))
    return [float(value) for value in (*values[chosen], *values[rest:])]
