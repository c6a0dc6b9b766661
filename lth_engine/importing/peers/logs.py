"""What a program's text logs say about one network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lth_engine.importing.peers.plain_text import number


@dataclass(frozen=True)
class Logs:
    """What the logs beside a network say; nothing of it was measured here.

    Attributes:
        hyperparameters: name -> value, as text.
        history: column -> one value an evaluation, NaN where it is missing: step, epoch, test_accuracy (in [0, 1]),
            test_loss, train_loss, train_accuracy; whichever the program wrote.
        accuracy: test accuracy in [0, 1] that the program reports for the trained network, or None.
        notes: sentences about what was not read.
        untrained: the settings say that the weights called final are those as drawn.
    """

    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    history: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    accuracy: float | None = None
    notes: tuple[str, ...] = ()
    untrained: bool = False


def finite(text: str) -> float | None:
    """The finite number that a cell holds, or None."""
    return number(text.strip())


def fractions(column: Sequence[float]) -> tuple[float, ...]:
    """Accuracies in percent as fractions; what cannot be one becomes NaN."""
    return tuple(value / 100 if 0 <= value <= 100 else math.nan for value in column)


def accuracy_of(history: Mapping[str, Sequence[float]]) -> float | None:
    """The last test accuracy of a history, or None."""
    known = [value for value in history.get("test_accuracy", ()) if 0 <= value <= 1]
    return known[-1] if known else None


def columns(table: Mapping[str, Sequence[float]], names: Mapping[str, str]) -> dict[str, tuple[float, ...]]:
    """The columns of a table that mean something, under our names; accuracies of the table are in percent.

    Args:
        table: column -> values.
        names: the program's name of a column -> ours.
    """
    return {ours: fractions(table[theirs]) if ours.endswith("accuracy") else tuple(table[theirs])
            for theirs, ours in names.items() if theirs in table}
