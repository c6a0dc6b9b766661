"""The question from which point of training on the noise of SGD no longer matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.bisection import FirstStable, contradictions, first_stable, least_tries
from lth_engine.core.connected import STABLE
from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.core.step import Step
from lth_engine.specs.connecting import Connectivity, OnLines, sibling
from lth_engine.specs.question import Known
from lth_engine.specs.tickets import DenseTicket, Run, about_epochs


@dataclass(frozen=True)
class Trail:
    """How far a search for stability has come.

    Attributes:
        tried: each point that was tried with its barrier (a fraction), in the order of the tries.
        found: the result of the bisection, once there is one.
        against: points that contradict it (see :func:`contradictions`), once they are known.
        waiting: the line whose barrier is needed next; None at the end.
    """

    tried: tuple[tuple[int, float], ...]
    found: FirstStable | None
    against: tuple[int, ...] | None
    waiting: Connectivity | None


class _Unknown(Exception):  # no error: the search waits for an answer
    """The barrier at `point` has not been measured yet."""

    def __init__(self, point: int) -> None:
        super().__init__(point)
        self.point = point


@dataclass(frozen=True, kw_only=True)
class FirstStablePoint(OnLines, name="first_stable_point"):
    """The first point of training from which two siblings stay connected, found by bisection.

    At each point that is tried the dense network is trained that far, then twice to the end with different orders of
    the images, and the barrier between the two ends is measured.
    """

    title: ClassVar[str] = "First stable point of training"
    start: DenseTicket = knob(DenseTicket(), "The dense network at its initialisation, and how it is trained.")
    threshold: float = knob(STABLE, "Two networks are connected if the barrier of the error is below this.", low=0,
                            open_low=True, high=1, unit="fraction",
                            source="Frankle et al. 2020; Pruning Close to Home, section 4.1: 2 points")
    judged_on: str = knob("test", "The images whose error decides.", choices=("test", "train"), advanced=True)
    contradictions: bool = knob(True, "Also try the nearest points on either side that the bisection left out: it "
                                "takes for granted that what is stable stays so.")

    def check(self) -> None:
        """Training must be counted in one unit, from the initialisation, and the deciding images be measured."""
        if self.start.rewind.count:
            raise BadInput("first_stable_point.start must be the initialisation (rewind 0it): the points to try are "
                           f"chosen by the search. Got {self.start.rewind}.")
        if self.judged_on == "train" and not self.training_images:
            raise BadInput("first_stable_point.judged_on is train, but training_images is off. Turn it on.")

    @property
    def last(self) -> int:
        """The last point that is tried: one before the end of training, which is stable by definition."""
        return self.start.training.length.count - 1

    def at(self, point: int) -> Connectivity:
        """The line between two siblings that part at `point`, in the unit of the length of training."""
        training = self.start.training
        rewind = Step(point, training.length.unit) if point else Step(0, "it")
        ticket = self.start.replace(rewind=rewind)
        one = Run(ticket=ticket, training=training, order_seed=self.start.order_seed)
        return self.line(sibling(one, 1), sibling(one, 2))

    @property
    def try_epochs(self) -> float:
        """What a try costs at least, in epochs: one training as far as its point, two from there on, and the line."""
        training = self.start.training
        return about_epochs(training.length) * training.flatness.passes + self.at(0).epochs

    def ahead(self, known: Known) -> float:
        """What the tries after the one that is waiting cost at least; none is counted for contradictions."""
        trail = self.trail(known)
        if trail.found is not None:
            return 0.0
        tried = [(point, barrier < self.threshold) for point, barrier in trail.tried]
        return (least_tries(tried, self.last) - 1) * self.try_epochs

    def trail(self, known: Known) -> Trail:
        """The search as far as the answers that are there lead it."""
        tried: list[tuple[int, float]] = []

        def stable(point: int) -> bool:
            summary = known(self.at(point).key)
            if summary is None:
                raise _Unknown(point)
            barrier = summary[f"barrier_{self.judged_on}"]
            assert isinstance(barrier, float)
            tried.append((point, barrier))
            return barrier < self.threshold
        found, against, waiting = None, None, None
        try:
            found = first_stable(stable, self.last)
            if self.contradictions:
                against = contradictions(stable, found)
        except _Unknown as unknown:
            waiting = self.at(unknown.point)
        return Trail(tuple(tried), found, against, waiting)

    def further(self, known: Known) -> tuple[Spec, ...]:
        """The lines measured so far, and the one that is needed next."""
        trail = self.trail(known)
        lines = tuple(self.at(point) for point, _ in trail.tried)
        return lines if trail.waiting is None else (*lines, trail.waiting)
