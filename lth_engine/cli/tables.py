"""Answers that compare several things, as aligned columns: accuracies in per cent, differences in points."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lth_engine.cli.words import columns, duration
from lth_engine.core.artifact import Artifact, texts


def checks(artifact: Artifact) -> str:
    """Sanity checks: accuracy of each, and ticket minus check."""
    table, check = artifact.group("table"), artifact.group("check")
    variants = np.array(texts(table["variant"]))
    facts = zip(*(check[name].tolist() for name in ("difference", "low", "high")), texts(check["word"]), strict=True)
    words = dict(zip(texts(check["name"]), facts, strict=True))
    rows = []
    for name in dict.fromkeys(variants.tolist()):
        here = variants == name
        test = words.get(name)
        rows.append([name.replace("_", " "), f"{100 * float(np.mean(table['test_accuracy'][here])):.2f}",
                     f"{float(np.mean(table['weights'][here])):,.0f}",
                     *(("-", "-", "-") if test is None else (_points(test[0]), _interval(*test[1:3]), test[3]))])
    return columns(["", "accuracy %", "weights", "ticket - check", "90% interval", "word"], rows)


def methods(artifact: Artifact) -> str:
    """Methods: accuracy, cost from nothing, and the difference from the first."""
    method = artifact.group("method")
    rows = [[name, f"{100 * density:.2f}", f"{100 * accuracy:.2f}" + (f" ± {100 * half:.2f}" if math.isfinite(half)
                                                                    else ""),
             f"{epochs:.4g}", f"{published:.5g}", duration(seconds), _points(difference), _interval(low, high), word]
            for name, density, accuracy, half, epochs, published, seconds, difference, low, high, word in zip(
                texts(method["name"]), *(method[n].tolist() for n in (
                    "density", "accuracy", "half_width", "epochs", "published_epochs", "seconds", "difference", "low",
                    "high")), texts(method["word"]), strict=True)]
    return columns(["method", "density %", "accuracy %", "epochs", "as published", "time", "difference",
                    "90% interval", "word"], rows)


def objectives(artifact: Artifact) -> str:
    """Objectives: the mean over replicates, by method and level."""
    table = artifact.group("table")
    names = [name for name in table if name not in ("method", "level", "replicate", "density")]
    cells = list(zip(texts(table["method"]), table["level"].tolist(), strict=True))
    rows = []
    for cell in dict.fromkeys(cells):
        here = np.array([other == cell for other in cells])
        rows.append([cell[0], str(cell[1]), f"{100 * float(table['density'][here].mean()):.2f}",
                     *(f"{float(table[name][here].mean()):.4g}" for name in names)])
    return columns(["method", "level", "density %", *(name.replace("_", " ") for name in names)], rows)


TABLES: dict[str, Callable[[Artifact], str]] = {
    "sanity_checks": checks, "method_comparison": methods, "objective_values": objectives}
"""Kind of answer -> its table in words."""


def _points(value: float) -> str:
    return f"{100 * value:+.2f}"


def _interval(low: float, high: float) -> str:
    return f"{_points(low)} to {_points(high)}" if math.isfinite(low) else "-"
