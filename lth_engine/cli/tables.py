"""Answers that compare several things, as aligned columns: accuracies in per cent, differences in points."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from lth_engine.cli.words import columns, duration
from lth_engine.core.artifact import Array, Artifact, texts


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


def signs(artifact: Artifact) -> str:
    """A panel of signs: what each case keeps of the ticket, and the difference from the mask alone."""
    cell = artifact.group("cell")
    parts = ("mask", "signs", "norms")
    kept = [" + ".join(name for name, value in zip(parts, case, strict=True) if value) or "nothing"
            for case in zip(*(cell[name].tolist() for name in parts), strict=True)]
    barriers = [name for name in ("barrier_siblings", "barrier_solution") if name in cell]
    rows = [[case, *compared, *(f"{100 * value:.2f}" if math.isfinite(value) else "-" for value in lines)]
            for case, compared, *lines in zip(kept, _compared(cell), *(cell[name].tolist() for name in barriers),
                                              strict=True)]
    return columns(["kept", *_COMPARED, *(name.replace("_", " ") for name in barriers)], rows)


def variants(artifact: Artifact) -> str:
    """Features side by side: accuracy of each, its difference from the ticket, and scikit-learn's accuracy."""
    variant, table = artifact.group("variant"), artifact.group("table")
    names, whose = texts(variant["name"]), np.array(texts(table["variant"]))
    second = "opinion_accuracy" in table
    rows = [[name.replace("_", " "), *compared,
             *([f"{100 * float(np.mean(table['opinion_accuracy'][whose == name])):.2f}"] if second else [])]
            for name, compared in zip(names, _compared(variant), strict=True)]
    return columns(["features of", *_COMPARED, *(["scikit-learn %"] if second else [])], rows)


def shares(artifact: Artifact) -> str:
    """Few images: accuracy of each at each share of the images, and ticket minus it."""
    row = artifact.group("row")
    rows = [[f"{percent:g}", variant.replace("_", " "), *compared] for percent, variant, compared in
            zip(row["percent"].tolist(), texts(row["variant"]), _compared(row), strict=True)]
    return columns(["images %", "", *_COMPARED], rows, left=2)


TABLES: dict[str, Callable[[Artifact], str]] = {
    "sanity_checks": checks, "method_comparison": methods, "objective_values": objectives, "sign_panel": signs,
    "probe_panel": variants, "transfer_panel": variants, "few_shot": shares}
"""Kind of answer -> its table in words."""


_COMPARED = ("accuracy %", "difference", "90% interval", "word")


def _compared(group: Mapping[str, Array]) -> list[list[str]]:
    """The columns of :data:`_COMPARED`, row by row."""
    return [[f"{100 * accuracy:.2f}" + (f" ± {100 * half:.2f}" if math.isfinite(half) else ""),
             _points(difference) if math.isfinite(difference) else "-", _interval(low, high), word or "-"]
            for accuracy, half, difference, low, high, word in zip(
                *(group[name].tolist() for name in ("accuracy", "half_width", "difference", "low", "high")),
                texts(group["word"]), strict=True)]


def _points(value: float) -> str:
    return f"{100 * value:+.2f}"


def _interval(low: float, high: float) -> str:
    return f"{_points(low)} to {_points(high)}" if math.isfinite(low) else "-"
