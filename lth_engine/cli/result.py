"""An answer as text for people and as one JSON object for programs."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from lth_engine.cli.tables import TABLES
from lth_engine.cli.words import columns, duration, pairs, when
from lth_engine.core.artifact import Array, Artifact, texts
from lth_engine.core.readings import readings
from lth_engine.core.search_table import rows_where, variants
from lth_engine.core.sizes import size
from lth_engine.core.verdict import half_width

LISTED = 10_000
"""Values of an array up to which it is printed."""


def as_text(artifact: Artifact) -> str:
    """A ticket search as its table and verdict, anything else as its summary, below its table if it has one."""
    if artifact.kind == "ticket_search":
        return f"{search_text(artifact)}\n\n{artifact.summary['verdict_text']}"
    summary = pairs([(reading.label, reading.text) for reading in readings(artifact.summary)])
    table = TABLES.get(artifact.kind)
    return summary if table is None else f"{table(artifact)}\n\n{summary}"


def search_text(artifact: Artifact) -> str:
    """Test accuracy in per cent by level: mean and half the 95% interval over replicates, and the verdict."""
    table, verdict = artifact.group("table"), artifact.group("verdict")
    words = dict(zip(verdict["level"].tolist(), texts(verdict["word"]), strict=True))
    names = variants(table)
    rows = []
    for level in sorted(set(table["level"].tolist())):
        density = float(np.mean(rows_where(table, "ticket", level)["density"]))
        cells = [_accuracy(rows_where(table, name, level)["test_accuracy"]) for name in names]
        rows.append([str(level), f"{100 * density:.2f}", *cells, words.get(level, "dense")])
    head = ["level", "density %", *(name.replace("_", " ") for name in names), "verdict"]
    return columns(head, rows, left=0)


def as_json(artifact: Artifact) -> str:
    """key, kind, spec, summary, the table of answers that have one (an object a run), and of an analysis all other
    arrays of up to LISTED values; nan is null."""
    values: dict[str, Any] = {"key": artifact.key, "kind": artifact.kind, "spec": artifact.spec,
                              "summary": {name: finite(value) for name, value in artifact.summary.items()}}
    table = artifact.group("table")
    if table:
        plain = {name: _plain(column) for name, column in table.items()}
        values["table"] = [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]
    if artifact.kind != "ticket_search" and not artifact.group("mask"):  # weights of runs and tickets are for export
        values["arrays"] = {name: _nested(array) for name, array in artifact.arrays.items()
                            if array.size <= LISTED and not name.startswith("table/")}
    return json.dumps(values, allow_nan=False)


def origin_text(artifact: Artifact) -> str:
    """Where an answer came from, and the content hashes of what it was made of."""
    source = artifact.provenance
    software = ", ".join(f"{name} {version}" for name, version in source.software.items())
    facts = [("created", when(source.created)), ("took", f"{duration(source.seconds)} without what it was made of"),
             ("device", source.device), ("threads", str(source.threads)), ("host", source.host),
             ("commit", source.commit or "unknown"),
             ("software", software), ("content", artifact.content_sha256),
             ("arrays", size(sum(a.nbytes for a in artifact.arrays.values())))]
    return pairs(facts)


def finite(value: Any) -> Any:
    """A value that JSON has: nan and infinity become null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _accuracy(values: Array) -> str:
    if not len(values):
        return "-"
    half = half_width(values)
    mean = f"{100 * float(np.mean(values)):.2f}"
    return f"{mean} ± {100 * half:.2f}" if math.isfinite(half) else mean


def _plain(column: Array) -> list[Any]:
    return list(texts(column)) if column.dtype.kind == "S" else [finite(value) for value in column.tolist()]


def _nested(array: Array) -> list[Any]:
    """An array of any number of dimensions as lists of lists."""
    return _plain(array) if array.ndim < 2 else [_nested(row) for row in array]
