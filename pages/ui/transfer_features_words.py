"""Words about features: what a test says, how a classifier was trained, what normalisation did."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lth_engine.specs.training import Training

SIGNS = {"better": "✓ better", "worse": "✗ worse", "equivalent": "= within the margin", "undecided": "? undecided",
         "": ""}
"""Word of a test -> the same with a sign that tells it without colour."""

NORMS = {"recalibrated": ("recalibrated", "running statistics estimated anew, once, on the images of the classifier"),
         "running": ("as it is", "running statistics of the network; at initialisation they are 0 and 1"),
         "batch": ("of each batch", "the images of a batch share their statistics")}
"""Value of norm_statistics -> in a word, and in a sentence."""


def headline(words: Sequence[str]) -> tuple[str, str, str]:
    """Kind of the box, its headline and icon.

    Args:
        words: of each untrained baseline against the ticket.
    """
    if not words:
        return "info", "Nothing to compare the ticket with.", "help"
    if all(word == "worse" for word in words):
        return "success", "The untrained ticket's features carry more than its baselines'.", "check_circle"
    if any(word in ("better", "equivalent") for word in words):
        return "warning", "The untrained ticket's features carry no more than a baseline's.", "remove_circle"
    return "info", "Undecided.", "help"


def signed(word: str) -> str:
    """"✓ better"."""
    return SIGNS.get(word, word)


def mean_words(mean: float, half: float) -> str:
    """"85.3 ± 1.2"; without an interval the mean alone."""
    return f"{100 * mean:.1f}" + (f" ± {100 * half:.1f}" if math.isfinite(half) else "")


def difference(mean: float, low: float, high: float) -> str:
    """"+1.20, +0.30 to +2.10"; "" if nothing is compared."""
    if math.isnan(mean):
        return ""
    return f"{100 * mean:+.1f}" + (f", {100 * low:+.1f} to {100 * high:+.1f}" if math.isfinite(low) else "")


def trained_how(training: Training) -> str:
    """"SGD, rate 0.005, constant, batches of 256"."""
    optimizer = training.optimizer
    words = [optimizer.title or optimizer.name, f"rate {optimizer.lr:g}",
             (training.schedule.title or training.schedule.name).lower(), f"batches of {training.batch_size:,}"]
    if training.flip or training.crop or training.resized_crop:
        words.append("augmented images")
    return ", ".join(words)
