"""A point in training, in epochs ("2ep") or in optimizer steps ("500it")."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lth_engine.core.errors import BadInput, clipped

_PATTERN = re.compile(r"(\d{1,9})\s*(ep|it)")


@dataclass(frozen=True)
class Step:
    """A length of training: `count` epochs (unit "ep") or optimizer steps (unit "it").

    Epochs and steps are comparable only once the number of steps in an epoch is known, so two
    steps have no order of their own: convert them first with :meth:`iterations`.
    """

    count: int
    unit: str = "ep"

    def __post_init__(self) -> None:
        if self.unit not in ("ep", "it"):
            raise BadInput(f'A step is counted in "ep" (epochs) or "it" (steps). Got {self.unit!r}.')
        if self.count < 0:
            raise BadInput(f"A step cannot be negative. Got {self}.")

    @classmethod
    def parse(cls, text: str | Step) -> Step:
        """Read "2ep" or "500it".

        Raises:
            BadInput: the text is neither.
        """
        if isinstance(text, Step):
            return text
        match = _PATTERN.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None:
            raise BadInput('A step is written like "2ep" (epochs) or "500it" (steps), with at most 9 digits. Got '
                           f"{clipped(text)}.")
        return cls(int(match[1]), match[2])

    def iterations(self, steps_per_epoch: int) -> int:
        """The same point in optimizer steps, given the number of steps in one epoch."""
        return self.count * steps_per_epoch if self.unit == "ep" else self.count

    def stretched(self, by: float) -> Step:
        """`by` times as many epochs, to the nearest; optimizer steps stay as they are."""
        return Step(round(by * self.count), "ep") if self.unit == "ep" else self

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"
