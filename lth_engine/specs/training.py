"""How a network is trained: optimizer, schedule, length, augmentation, precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.core.step import Step
from lth_engine.specs.data import SEED_HIGH
from lth_engine.specs.flatness import FlatnessSpec, NoFlatness
from lth_engine.specs.optimizers import OptimizerSpec, Sgd
from lth_engine.specs.schedules import Cosine, ScheduleSpec
from lth_engine.specs.terms import NoTerm, TermSpec


@dataclass(frozen=True, kw_only=True)
class Training(Spec, family="training", name="training", package="lth_engine.training"):
    """One training from start to end."""

    title: ClassVar[str] = "Training"
    length: Step = knob(Step(20), "Length of training, like 20ep or 5000it.")
    batch_size: int = knob(128, "Images in a step; the last step of an epoch may have fewer.", low=1, high=65_536)
    optimizer: OptimizerSpec = knob(Sgd(), "Optimizer.")
    schedule: ScheduleSpec = knob(Cosine(), "Learning-rate schedule.",
                                  source="Pruning Close to Home, section 4: cosine over the training")
    warmup: Step = knob(Step(0, "it"), "Linear rise of the learning rate from 0 at the start.", advanced=True)
    flip: bool = knob(False, "Mirror each image left to right with probability 1/2.")
    crop: int = knob(0, "Shift each image by up to this many pixels, filled with zeros (4 is usual for CIFAR).",
                     low=0, high=64, unit="pixels")
    precision: str = knob("float32", "Number format of the forward pass.", choices=("float32", "bfloat16"),
                          advanced=True)
    compile: bool = knob(False, "Compile the network with torch.compile; needs a C++ compiler on a CPU.",
                         advanced=True)
    evaluate_every: Step = knob(Step(1), "How often validation and test accuracy are measured; 0ep: only at the end.",
                                advanced=True)
    flatness: FlatnessSpec = knob(NoFlatness(), "What is done at each step to end in a flat minimum.", advanced=True,
                                  added=True)
    term: TermSpec = knob(NoTerm(), "Term added to the loss.", advanced=True, added=True)
    rate_batch: int = knob(0, "Batch size that the learning rate is meant for: the rate is scaled by batch_size over "
                           "this; 0 leaves it as it is.", low=0, high=65_536, advanced=True, added=True,
                           source="Pruning Close to Home, appendix A.6: linear scaling")
    subset: float = knob(1.0, "Fraction of the training images that is used, the same of every class.", low=0,
                         open_low=True, high=1, advanced=True, added=True,
                         source="Pruning Close to Home, section 5.1: 1, 2, 5 and 10%")
    subset_seed: int = knob(0, "Seed of the draw of the subset; a smaller one lies inside a larger one.", low=0,
                            high=SEED_HIGH, advanced=True, added=True)
    label_noise: float = knob(0.0, "Fraction of the training images whose label is drawn anew, the true one included. "
                              "All replicates share the draw.", low=0, high=1, advanced=True, added=True,
                              source="PAC-Bayesian view, figure 1")
    label_noise_seed: int = knob(0, "Seed of the label noise.", low=0, high=2**31, advanced=True, added=True)
    resized_crop: bool = knob(False, "Cut out a random part (8 to 100% of the area) and resize it, as is usual for "
                              "ImageNet.", advanced=True, added=True)
    interpolate_norms: bool = knob(
        False, "Each step sees the normalisation parameters at a random point between their own values and 1 and 0; "
        "the search aws sets it.", advanced=True, added=True, source="Find a Winning Sign, equation 2")
    deterministic: bool = knob(False, "Only operations that give the same bits every time; slower on a GPU. On a CPU "
                               "training is always repeatable.", advanced=True, added=True)

    def check(self) -> None:
        """A training has at least one step, and one way to crop."""
        if self.length.count == 0:
            raise BadInput('training.length must be at least "1it". Got 0.')
        if self.warmup.unit == self.length.unit and self.warmup.count > self.length.count:
            raise BadInput(f"training.warmup ({self.warmup}) is longer than training.length ({self.length}).")
        if self.resized_crop and self.crop:
            raise BadInput("training.crop and training.resized_crop are two ways to crop. Use one of them.")

    def stretched(self, by: float) -> Training:
        """With `by` times as many epochs, of the warm-up and to each milestone of the schedule too."""
        return self.replace(length=self.length.stretched(by), warmup=self.warmup.stretched(by),
                            schedule=self.schedule.stretched(by))

    def require_before_end(self, rewind: Step, name: str = "training") -> None:
        """Refuse a rewind point that is not before the end, as far as that is known without the data; `name` is what
        the user calls this training."""
        if rewind.unit == self.length.unit and rewind.count >= self.length.count:
            raise _too_late(rewind, self.length, name)

    def require_reaches(self, rewind: Step, name: str = "training") -> None:
        """Refuse a rewind point behind the end of the training that leads to it."""
        if rewind.unit == self.length.unit and rewind.count > self.length.count:
            raise _too_late(rewind, self.length, name)

    def reach(self, rewind: Step, steps_per_epoch: int) -> tuple[int, int]:
        """Optimizer steps to the rewind point, and of the whole training that leads to it.

        Raises:
            BadInput: the rewind point is behind the end, or the warm-up is longer than the training.
        """
        stop, total = rewind.iterations(steps_per_epoch), self.length.iterations(steps_per_epoch)
        if stop > total:
            raise _too_late(rewind, self.length)
        return stop, self.span(Step(0, "it"), steps_per_epoch)[1]

    def span(self, rewind: Step, steps_per_epoch: int) -> tuple[int, int]:
        """First and last optimizer step of a training that continues at `rewind`.

        Raises:
            BadInput: the rewind point is not before the end, or the warm-up is longer than the training.
        """
        start, total = rewind.iterations(steps_per_epoch), self.length.iterations(steps_per_epoch)
        if start >= total:
            raise _too_late(rewind, self.length)
        if self.warmup.iterations(steps_per_epoch) > total:
            raise BadInput(f"training.warmup ({self.warmup}) is longer than the training ({self.length}). Shorten it.")
        return start, total

    def learning_rate(self, step: int, total: int, steps_per_epoch: int) -> float:
        """Learning rate at optimizer step `step` (from 0) of `total`, warm-up included."""
        warm = self.warmup.iterations(steps_per_epoch)
        rise = min(1.0, (step + 1) / warm) if warm else 1.0
        scale = self.batch_size / self.rate_batch if self.rate_batch else 1.0
        return self.optimizer.lr * scale * rise * self.schedule.factor(step, total, steps_per_epoch)


def _too_late(rewind: Step, length: Step, name: str = "training") -> BadInput:
    return BadInput(f"The rewind point ({rewind}) is not before the end of training ({name}.length is {length}). "
                    f"Lower search.rewind or raise {name}.length.")
