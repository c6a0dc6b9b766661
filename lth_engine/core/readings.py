"""The numbers in the summaries of analyses as people read them: the unit, and the error or interval beside a value.

A value NAME may have its standard error in NAME_stderr and its interval in NAME_low and NAME_high: 95%, but for those
that are tested.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lth_engine.core.artifact import Scalar

PARTS = ("stderr", "low", "high")
"""Ends of names that belong to another value."""

_POINTS = ("ece", "ece_by_chance",
           "barrier_test", "barrier_train", "barrier_mean", "barrier_std", "barrier_highest", "threshold",
           "certified_sample_term")
_PER_CENT = ("first_test_error", "second_test_error", "first_train_error", "second_train_error", "train_error",
             "test_error", "error_middle", "error_highest", "share", "share_negative", "share_near_zero",
             "density", "wanted_density", "density_first", "density_second", "density_line", "effective_density_first",
             "effective_density_second", "signs_agree", "signs_by_chance", "overlap", "mask_overlap", "oracle_risk",
             "certified_risk", "oracle_bound", "certified_bound", "oracle_quad", "oracle_pinsker", "chance_error",
             "search_fall", "search_late_share", "chance", "test_accuracy", "validation_accuracy", "signs_kept",
             "signs_inherited", "moved_positive", "moved_negative", "thinnest_density", "overlap_with_previous",
             "overlap_with_ticket",
             "verdict_density", "worst_accuracy", "confidence",
             "accuracy", "best_accuracy", "train_accuracy", "opinion_accuracy")
_SIGNS = ("ticket_accuracy", "dense_accuracy", "signed_accuracy", "mask_accuracy")
_NATS = ("first_test_loss", "second_test_loss", "first_train_loss", "second_train_loss", "loss_barrier_test",
         "loss_barrier_train", "loss", "loss_middle", "loss_highest", "oracle_kl", "oracle_kl_gaussian",
         "oracle_kl_mask", "certified_kl", "certified_kl_gaussian", "certified_kl_mask", "certified_grid_cost",
         "certified_input_cost", "test_loss", "train_loss", "validation_loss")
_SECONDS = ("seconds_trace", "seconds_top", "train_seconds", "mask_seconds")
_WEIGHTS = ("both_expected",)

UNITS: dict[str, tuple[str, float]] = {
    "gain": ("points", 100.0), **dict.fromkeys(_SIGNS, ("%", 100.0)),
    **dict.fromkeys(_POINTS, ("points", 100.0)), **dict.fromkeys(_PER_CENT, ("%", 100.0)),
    **dict.fromkeys(_NATS, ("nats", 1.0)), **dict.fromkeys(_SECONDS, ("s", 1.0)),
    **dict.fromkeys(_WEIGHTS, ("weights", 1.0))}
"""Value -> its unit on the screen, and the factor from the stored to the shown value. Others have none."""

TESTED = ("gain",)
"""Values whose interval is that of two one-sided tests at 5%: 90%."""


@dataclass(frozen=True)
class Reading:
    """One value of a summary with its error.

    Attributes:
        name: of the value.
        value: in natural units (fractions, nats).
        stderr: standard error; None if it has none.
        low, high: ends of its interval; None if it has none.
    """

    name: str
    value: Scalar
    stderr: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def label(self) -> str:
        """The name in words."""
        return self.name.replace("_", " ")

    @property
    def text(self) -> str:
        """The value with what belongs to it: "1.25 points, 0.9 to 1.6 (95%)", "704 ± 33"."""
        unit, scale = UNITS.get(self.name, ("", 1.0))
        shown = _number(self.value, scale)
        if self.stderr is not None:
            shown += f" ± {_number(self.stderr, scale)}"
        shown += f" {unit}" * bool(unit)
        if self.low is not None and self.high is not None:
            confidence = 90 if self.name in TESTED else 95
            shown += f", {_number(self.low, scale)} to {_number(self.high, scale)} ({confidence}%)"
        return shown


def readings(summary: Mapping[str, Scalar]) -> list[Reading]:
    """The values of a summary in order, each with its error and interval."""
    found = []
    for name, value in summary.items():
        stem, _, end = name.rpartition("_")
        if end in PARTS and stem in summary:
            continue
        stderr, low, high = (_float(summary.get(f"{name}_{part}")) for part in PARTS)
        found.append(Reading(name, value, stderr, low, high))
    return found


def _float(value: Scalar) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _number(value: Scalar, scale: float = 1.0) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and scale == 1.0:
        return f"{value:,}"
    if isinstance(value, int | float):
        shown = scale * value
        return f"{shown:.4g}" if not math.isfinite(shown) or not 1e4 <= abs(shown) < 1e9 else f"{shown:,.0f}"
    return "-" if value is None or value == "" else str(value)
