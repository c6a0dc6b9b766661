"""Questions about the line between two trained networks: linear mode connectivity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob, knobs
from lth_engine.core.spec import Spec
from lth_engine.specs.question import Question
from lth_engine.specs.tickets import Run


@dataclass(frozen=True, kw_only=True)
class Connectivity(Question, name="connectivity"):
    """Error and loss on the straight line between the networks that two runs ended with, and the barrier.

    The place alpha is the share of the second network: 0 is the first, 1 the second. Weights are interpolated as they
    act, pruned ones as 0, so the two masks may differ and their union carries the line; so are all other parameters,
    those of normalisation included. The two ends are measured in the same way as every point between them.
    """

    title: ClassVar[str] = "Linear connectivity"
    first: Run = knob(Run(), "The run at alpha 0.")
    second: Run = knob(Run(order_seed=1), "The run at alpha 1.")
    points: int = knob(101, "Equally spaced points on the line, the two ends included.", low=2, high=2001,
                       source="Pruning Close to Home, Eq. 1")
    norm_statistics: str = knob(
        "recalibrated", "Running statistics of normalisation at each point: re-estimated on the training images "
        "without augmentation, interpolated like weights, or those of each batch that is evaluated.",
        choices=("recalibrated", "interpolated", "batch"),
        source="Find a Winning Sign re-estimates them (on augmented images)")
    training_images: bool = knob(True, "Measure on the training images too, with their true labels.")

    def check(self) -> None:
        """The two networks must be of one architecture, and of the same images."""
        ends = (self.first.ticket.dense, self.second.ticket.dense)
        for what, one, other in (("network", ends[0].model, ends[1].model), ("image set", ends[0].data, ends[1].data)):
            if one != other:
                raise BadInput(f"A line needs two runs with the same {what}, but they differ in "
                               f"{_difference(one, other)}. Choose another run for connectivity.second.")

    def inputs(self) -> tuple[Spec, ...]:
        """The two runs."""
        return tuple(dict.fromkeys((self.first, self.second)))

    @property
    def epochs(self) -> float:
        """About what it costs, in epochs of training: a forward pass over the training images is a third of one."""
        passes = (self.norm_statistics == "recalibrated") + self.training_images
        return self.points * max(passes, 0.25) / 3


def _difference(one: Spec, other: Spec) -> str:
    """In which settings two members of a family differ, in words."""
    if type(one) is not type(other):
        return f"{one.family} ({one.name} and {other.name})"
    return ", ".join(f"{one.name}.{k.name} ({getattr(one, k.name)} and {getattr(other, k.name)})"
                     for k in knobs(type(one)) if getattr(one, k.name) != getattr(other, k.name))
