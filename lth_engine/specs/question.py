"""A question is a Spec whose answer is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.artifact import Scalar
from lth_engine.core.spec import Spec

Known = Callable[[str], Mapping[str, Scalar] | None]
"""Key of a question -> the summary of its answer; None if it has none yet."""


@dataclass(frozen=True, kw_only=True)
class Question(Spec, family="question", package="lth_engine.analysis"):
    """A Spec whose answer is stored."""

    quick: ClassVar[bool] = False
    """Whether answers of this kind take seconds, so that they need not queue behind long jobs."""

    @property
    def in_seconds(self) -> bool:
        """Whether this very question is :attr:`quick`."""
        return self.quick

    @property
    def trains(self) -> bool:
        """Whether a network is trained to answer it."""
        return False

    @property
    def epochs(self) -> float:
        """About what the answer costs without its inputs, in epochs of training; 0 if next to nothing."""
        return 0.0

    def ahead(self, known: Known) -> float:
        """What the questions that :meth:`further` cannot name yet cost at least if none is stored, in epochs; 0 if it
        names all at once."""
        return 0.0

    def further(self, known: Known) -> tuple[Spec, ...]:
        """Questions that turn out to be needed, beside :meth:`inputs`, once others are answered.

        Asked again after each answer, until nothing new is named. What is named must depend on the answers alone, so
        that the same questions are found again from the store. The answers of all that were ever named are inputs of
        this one.
        """
        return ()

    def needs(self, known: Known) -> tuple[Spec, ...]:
        """All questions that must be answered before this one, as far as the answers that are there tell."""
        return (*self.inputs(), *self.further(known))
