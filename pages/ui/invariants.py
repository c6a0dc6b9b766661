"""The checks that every run makes of itself, as badges in words: is this really a lottery ticket?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from lth_engine.core.artifact import texts
from lth_engine.core.search_table import Table
from pages.ui.words import percent

MOVED = 0.99
"""Fraction of the kept weights of each sign that must move in training."""
THIN = 0.01
"""Density of a layer below which it counts as about to collapse."""


@dataclass(frozen=True)
class Check:
    """One invariant over all runs: whether it held, in words, and why it matters."""

    good: bool
    words: str
    why: str


def checks(table: Table) -> list[Check]:
    """The invariants that the table's columns allow to be checked."""
    made = [_masked(table), _moved(table), _rewound(table), _thin(table), _connected(table), _finite(table)]
    return [check for check in made if check is not None]


def badges(table: Table) -> None:
    """The invariants in a row: green where they held in every run, orange where not."""
    with st.container(horizontal=True, gap="small"):
        for check in checks(table):
            st.badge(check.words, color="green" if check.good else "orange", help=check.why,
                     icon=":material/check:" if check.good else ":material/warning:")


def _masked(table: Table) -> Check | None:
    if "masked_nonzero" not in table:
        return None
    bad = int(np.nansum(table["masked_nonzero"]))
    words = "Pruned weights stay exactly 0" if bad == 0 else f"{bad:,} pruned weights are not 0"
    return Check(bad == 0, words, "Checked after every run: a pruned weight that comes back is no pruning.")


def _moved(table: Table) -> Check | None:
    if "moved_positive" not in table or "moved_negative" not in table:
        return None
    moved = np.concatenate([table["moved_positive"], table["moved_negative"]]).astype(float)
    if not np.isfinite(moved).any():  # networks that were brought without what they started from
        return None
    least = float(np.nanmin(moved))
    words = f"Kept weights of both signs train ({percent(least)} moved at least)"
    return Check(least > MOVED, words, "Code that freezes the survivors, or only the negative ones, is a known "
                                       "mistake; more than 99 % must move.")


def _rewound(table: Table) -> Check | None:
    if "rewind_exact" not in table or not np.isfinite(table["rewind_exact"].astype(float)).any():
        return None
    bad = int(np.sum(table["rewind_exact"] == 0))
    words = "Each ticket starts from the weights it comes from, bit for bit" if bad == 0 else \
        f"{bad} runs do not start from the weights that their ticket comes from"
    return Check(bad == 0, words, "The kept weights are exactly those at the rewind point; where a search goes on "
                                  "from level to level (LRR, AWS), those at the end of the level before.")


def _thin(table: Table) -> Check | None:
    if "thinnest_density" not in table:
        return None
    at = int(np.nanargmin(table["thinnest_density"]))
    least = float(table["thinnest_density"][at])
    layer = texts(table["thinnest_layer"])[at] if "thinnest_layer" in table else "a layer"
    words = f"No layer below 1 % (thinnest: {layer}, {percent(least)})" if least >= THIN else \
            f"{layer} is down to {percent(least)} at level {int(table['level'][at])}"
    return Check(least >= THIN, words, "A layer that runs dry cuts the network in two, whatever the overall density.")


def _connected(table: Table) -> Check | None:
    if "dead_layers" not in table:
        return None
    dead = int(np.nansum(table["dead_layers"]))
    words = "No layer is cut off" if dead == 0 else f"{dead} layers without any weight, over all runs"
    return Check(dead == 0, words, "A layer without any kept weight passes nothing on.")


def _finite(table: Table) -> Check | None:
    if "finite" not in table:
        return None
    bad = int(len(table["finite"]) - np.sum(table["finite"] == 1))
    words = "The loss is finite in every run" if bad == 0 else f"The loss of {bad} runs is not finite"
    return Check(bad == 0, words, "A loss that became NaN stops its run within a step.")
