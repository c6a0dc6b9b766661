"""Filters that are all zero, and whether whole filters were pruned rather than single weights."""

from __future__ import annotations

import torch

from lth_engine.diagnosis.anatomy import Anatomy, Layer
from lth_engine.diagnosis.findings.finding import Finding, listed, percent

ABOUT = "health_zero_filters"

STRUCTURED = 0.95
"""Share of the zeros that lies in whole filters (or in whole inputs) from which pruning is called structured."""


def find(anatomy: Anatomy) -> list[Finding]:
    """A note on empty filters of a pruned network, a warning in a dense one, and what structured pruning allows."""
    rows = {layer.name: empty_rows(layer) for layer in anatomy.prunable
            if 0 < layer.alive < layer.size and layer.finite}
    empty = {name: int(found.sum()) for name, found in rows.items() if bool(found.any())}
    if not empty:
        return []
    by_name = {layer.name: layer for layer in anatomy.prunable}
    total = sum(by_name[name].rows for name in rows)
    worst = sorted(empty, key=lambda name: -empty[name] / by_name[name].rows)
    parts = [f"{name} ({empty[name]:,} of {by_name[name].rows:,})" for name in worst]
    text = f"{sum(empty.values()):,} of {total:,} filters in layers with zeros are all 0: {listed(parts)}. " \
           "They put out a constant."
    if _in_whole_filters(anatomy, rows) >= STRUCTURED:
        return [Finding("zero_filters", "note", text + f" {percent(_in_whole_filters(anatomy, rows))} of all zeros "
                                                       "lie in "
                        "whole filters or whole inputs, so pruning was structured: cutting them out makes the network "
                        "smaller and faster.", None, ABOUT)]
    return [Finding("zero_filters", "note" if anatomy.sparse else "warning",
                    text + ("" if anatomy.sparse else " Nothing else was pruned, so training killed "
                                                      "them."), None, ABOUT)]


def empty_rows(layer: Layer) -> torch.Tensor:
    """Which output units keep no weight, (rows,) bool."""
    return torch.linalg.vector_norm(layer.effective().flatten(1), float("inf"), dim=1) == 0


def empty_columns(layer: Layer) -> torch.Tensor:
    """Which input units no weight reads, (columns,) bool."""
    columns = layer.effective().transpose(0, 1).flatten(1)
    return torch.linalg.vector_norm(columns, float("inf"), dim=1) == 0


def _in_whole_filters(anatomy: Anatomy, rows: dict[str, torch.Tensor]) -> float:
    """Share of the zeros that lie in rows or columns without any weight."""
    inside = total = 0
    for layer in anatomy.prunable:
        if layer.name not in rows:
            continue
        left = int((~rows[layer.name]).sum()) * int((~empty_columns(layer)).sum()) * layer.weight[0, 0].numel()
        inside += layer.size - left
        total += layer.size - layer.alive
    return inside / total if total else 0.0
