"""The question how well a network does on images, class by class, and whether its confidence can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.specs.connecting import FEWEST
from lth_engine.specs.question import Question
from lth_engine.specs.tickets import DERIVED_HIGH, Run


@dataclass(frozen=True, kw_only=True)
class DataHealth(Question, name="data_health"):
    """Accuracy, as a whole and class by class, what is taken for what, and calibration of a network that is trained or
    was brought; and with which normalisation of its input it does best on the training images."""

    title: ClassVar[str] = "Health on images"
    quick: ClassVar[bool] = True
    of: Run = knob(Run(), "The run whose network is looked at, as it ended.")
    part: str = knob("test", "The images: the test images, or the training images (all of them, with their true "
                     "labels).", choices=("test", "train"))
    bins: int = knob(15, "Bins of equal width for calibration.", low=2, high=1000,
                     source="Guo et al. 2017: 15")
    resamples: int = knob(1000, "Bootstrap samples of the images behind the interval of the calibration error.", low=0,
                          high=100_000, advanced=True)
    guess_images: int = knob(2000, "Training images, drawn once and for all, on which normalisations of the input are "
                             "compared; test images never choose.", low=1, high=1_000_000, advanced=True)
    seed: int = knob(0, "Seed of the bootstrap.", low=0, high=DERIVED_HIGH, advanced=True)

    def check(self) -> None:
        """A handful of resamples has no 2.5% tail."""
        if 0 < self.resamples < FEWEST:
            raise BadInput(f"resamples must be 0 (no interval) or at least {FEWEST}. Got {self.resamples}.")

    def inputs(self) -> tuple[Spec, ...]:
        """The run."""
        return (self.of,)
