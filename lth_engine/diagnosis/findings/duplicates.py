"""Filters that are one another's copies, up to their sign and size: units that no training tells apart.

Rows are scaled to length 1 and given one sign, then read off on two random directions. Copies have equal readings,
so after sorting by one reading only neighbours need a closer look: n log n, not n^2.
"""

from __future__ import annotations

import torch

from lth_engine.diagnosis.anatomy import Anatomy, Layer
from lth_engine.diagnosis.findings.finding import Finding, listed

ABOUT = "health_duplicates"

TOLERANCE = 1e-6
"""Largest difference of two filters of length 1 that are called equal: a few roundings of float32."""

LEAST = 4
"""Weights that a filter must keep: those with fewer are alike by chance, in sparse networks, up to their size."""

NEIGHBOURS = 4
"""Followers in the order of readings that a filter is compared with."""

AT_ONCE = 4_000_000
"""Values that are compared at once, so that little memory is needed."""


def find(anatomy: Anatomy) -> list[Finding]:
    """A warning a layer with copies."""
    found = []
    for layer in anatomy.prunable:
        pairs = copies(layer)
        if pairs:
            named = [f"{a} and {b}" for a, b in pairs]
            more = f"{len(pairs):,} of {layer.rows:,} filters" if len(pairs) > 1 else f"One of {layer.rows:,} filters"
            found.append(Finding("duplicates", "warning", f"{more} in {layer.name} "
                                 f"{'are copies of others' if len(pairs) > 1 else 'is a copy of another'} up to sign "
                                 f"and size (filters {listed(named)}): they compute the same, so the network is "
                                 "smaller than it looks.", layer.name, ABOUT))
    return found


def copies(layer: Layer) -> list[tuple[int, int]]:
    """(filter, later copy) pairs, each later filter once; nothing for layers of signs alone."""
    if not layer.finite or layer.rows < 2 or layer.weight[0].numel() < LEAST:
        return []
    rows = layer.effective().flatten(1)
    length = torch.linalg.vector_norm(rows, dim=1)
    kept = (length > 0).nonzero().flatten()
    length = length[kept]
    if len(kept) < 2 or _signs_alone(rows[kept[:8]]):
        return []
    directions = torch.randn(rows.shape[1], 2, generator=torch.Generator().manual_seed(0), dtype=rows.dtype)
    readings = (rows @ directions)[kept] / length[:, None]
    sign = torch.where(readings[:, 0] < 0, -1.0, 1.0).to(rows.dtype)
    readings *= sign[:, None]
    order = readings[:, 0].argsort()
    slack = 100 * TOLERANCE  # of a reading: a sum of many rounded products
    scale = (sign / length)[:, None]
    first_of = list(range(len(rows)))  # filter -> an earlier filter, or itself
    for step in range(1, min(NEIGHBOURS, len(order) - 1) + 1):
        a, b = order[:-step], order[step:]
        near = ((readings[a] - readings[b]).abs() < slack).all(dim=1)
        for some_a, some_b in zip(*(x[near].split(max(1, AT_ONCE // rows.shape[1])) for x in (a, b)), strict=True):
            off = (rows[kept[some_a]] * scale[some_a] - rows[kept[some_b]] * scale[some_b]).abs().amax(dim=1)
            same = (off <= TOLERANCE) & (torch.count_nonzero(rows[kept[some_a]], dim=1) >= LEAST)
            for one, other in zip(kept[some_a[same]].tolist(), kept[some_b[same]].tolist(), strict=True):
                low, high = sorted((_root(first_of, one), _root(first_of, other)))
                first_of[high] = low
    return [(_root(first_of, row), row) for row in range(len(rows)) if first_of[row] != row]


def _root(first_of: list[int], row: int) -> int:
    while first_of[row] != row:
        row = first_of[row]
    return row


def _signs_alone(rows: torch.Tensor) -> bool:
    """Whether all weights have one size: then few filters are possible, and equal ones no surprise."""
    sizes = rows[rows != 0].abs()
    return bool(sizes.numel()) and float(sizes.max() - sizes.min()) <= 1e-5 * float(sizes.max())
