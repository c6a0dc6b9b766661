"""Words about features: what a test says, how a classifier was trained, what normalisation did."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lth_engine.core.step import Step
from lth_engine.specs.training import Training
from pages.ui.words import counted

SIGNS = {"better": "▲ better", "worse": "▼ worse", "equivalent": "= within the margin", "undecided": "? undecided",
         "": ""}
"""Word of a test -> the same with a sign that tells it without colour."""

NORMS = {"recalibrated": ("recalibrated", "running statistics estimated anew, once, on the images of the classifier"),
         "running": ("as it is", "running statistics of the network; at initialisation they are 0 and 1"),
         "batch": ("of each batch", "the images of a batch share their statistics")}
"""Value of norm_statistics -> in a word, and in a sentence."""


_SAID = {"worse": "above those of", "equivalent": "within the margin of those of", "better": "below those of",
         "undecided": "not told apart from those of"}
"""What is said of the ticket, by the word of a baseline against it."""

_BASELINES = {"shuffled": "its shuffled mask", "dense": "the untrained dense network"}

_REWOUND = {"shuffled": "its shuffled mask", "dense": "the dense network at the same point"}


def headline(words: Mapping[str, str], *, rewound: bool) -> tuple[str, str, str]:
    """Kind of the box, its headline and icon.

    Args:
        words: of each baseline at the start (shuffled, dense) against the ticket; "" if it is not compared.
        rewound: whether training starts from a later rewind point than the initialisation.
    """
    baselines = _REWOUND if rewound else _BASELINES
    told = {name: word for name, word in words.items() if word and name in baselines}
    if "ticket" not in words:
        return "info", "Features of the networks, without the ticket at its start.", "help"
    if not told:
        return "info", f"No baseline to compare the {'' if rewound else 'untrained '}ticket with.", "help"
    whose = "As its training starts, the ticket's" if rewound else "The untrained ticket's"
    if set(told.values()) == {"worse"}:
        return "success", f"{whose} features carry more than those of its baselines.", "check_circle"
    parts = ", ".join(f"{_SAID[word]} {baselines[name]}" for name, word in told.items())
    kind, icon = ("info", "help") if set(told.values()) <= {"worse", "undecided"} else ("warning", "remove_circle")
    return kind, f"{whose} features are {parts}.", icon


def length_words(length: Step) -> str:
    """"5 epochs"."""
    return counted(length.count, "epoch" if length.unit == "ep" else "step")


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
