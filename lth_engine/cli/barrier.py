"""The verb that measures error and loss on the line between two networks from files."""

from __future__ import annotations

import argparse
import json
from typing import Any

from lth_engine.cli.compute import watched
from lth_engine.cli.foreign import clean_copies, networks
from lth_engine.cli.words import columns, pairs

SHOWN = 11
"""Points that the text shows, at most; JSON has all."""


def barrier(given: argparse.Namespace) -> int:
    """Measure the line from the first network to the second, and show it."""
    with clean_copies(given.first, given.second, rename=given.rename) as files:
        from lth_engine.diagnosis.barrier_between import barrier as measured
        from lth_engine.diagnosis.batch_file import read_batch

        batch = read_batch(given.batch)
        again = None if given.recalibrate is None else read_batch(given.recalibrate)
        first, second = networks(files)
        with watched() as report:
            found: dict[str, Any] = measured(first, second, batch, given.points, again, report)
    found["sha256"] = [file.card["sha256"] for file in files]
    print(json.dumps(found, allow_nan=False) if given.json else as_text(found))
    return 0


def as_text(found: dict[str, Any]) -> str:
    """The line in words: some of its points, and the barriers."""
    points = len(found["alpha"])
    shown = sorted({round(place * (points - 1) / (SHOWN - 1)) for place in range(SHOWN)})
    rows = [[f"{found['alpha'][at]:.2f}", f"{100 * found['errors'][at]:.2f}", f"{found['losses'][at]:.4f}"]
            for at in shown]
    facts = [("error barrier", f"{100 * found['barrier']:.2f} points, at alpha {found['barrier_alpha']:.3g}"),
             ("loss barrier", f"{found['loss_barrier']:.4g} nats"), ("points", f"{points}"),
             ("images", f"{found['images']:,}"), ("normalisation", f"{found['norm_statistics']} statistics")]
    return f"{columns(['alpha', 'error %', 'loss'], rows, left=0)}\n\n{pairs(facts)}"
