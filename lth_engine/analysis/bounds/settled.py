"""Whether the search for the deviations had come to rest when it ended.

The bound of the history is noisy, since its risk is that of single draws; the KL divergence is not, and moves as long
as the deviations do. While they drift, each tenth of the epochs takes it a tenth of its way.
"""

from __future__ import annotations

from collections.abc import Mapping

from lth_engine.core.artifact import Array, Scalar

_FEWEST = 20
"""Epochs from which on a tenth of them is more than one."""


def settled(history: Mapping[str, Array]) -> dict[str, Scalar]:
    """What the summary says of the history, from its columns kl and bound, one row an epoch.

    Returns:
        search_fall: how much the bound on the surrogate risk fell from the first epoch to the mean of the last tenth,
            as a fraction of the first.
        search_late_share: the share of the way of the KL that it went from the last but one tenth of the epochs to the
            last (means of both): 0.1 while it drifts, about 0 at rest, below 0 on the way back.

        None of fewer than 20 epochs.
    """
    kl, bound = history["kl"], history["bound"]
    tenth = len(kl) // 10
    if len(kl) < _FEWEST:
        return {"search_fall": None, "search_late_share": None}
    last, before = kl[-tenth:].mean(), kl[-2 * tenth:-tenth].mean()
    way = last - kl[0]
    return {"search_fall": float((bound[0] - bound[-tenth:].mean()) / bound[0]),
            "search_late_share": float((last - before) / way) if way else 0.0}
