"""The barriers of several lines side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lth_engine.core.artifact import Array, Inputs, text_array
from lth_engine.core.summary import number

COLUMNS = ("barrier_test", "barrier_test_low", "barrier_test_high", "barrier_train", "loss_barrier_test",
           "loss_barrier_train", "mask_overlap", "density_first", "density_second")
"""What is gathered of each line, where its summary holds it."""


def gathered(keys: Sequence[str], inputs: Inputs, group: str) -> dict[str, Array]:
    """GROUP/key and GROUP/COLUMN: one value a line, nan where a line does not say it."""
    summaries = [inputs.summary(key) for key in keys]
    held = [name for name in COLUMNS if any(name in summary for summary in summaries)]
    columns = {f"{group}/{name}": np.array([number(summary, name) for summary in summaries]) for name in held}
    return {f"{group}/key": text_array(keys)} | columns
