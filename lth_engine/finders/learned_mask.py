"""The search of a learned mask: shows a learner the images, records what it says, saves it, stops when asked."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from lth_engine.core.artifact import Answer, Array, Inputs, Scalar
from lth_engine.core.errors import BadInput, NonFinite
from lth_engine.core.meter import Meter
from lth_engine.core.saving import Saving
from lth_engine.core.seeds import derive
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.finders.learner import Learner, Setting
from lth_engine.masking.allocate import require_finite
from lth_engine.masking.feasible import require_level
from lth_engine.masking.prunable import in_network_order, prunable, without_ignored
from lth_engine.specs.mask_learners import MaskLearner
from lth_engine.specs.tickets import LearnedMask
from lth_engine.specs.training import Training
from lth_engine.training.batches import Batches
from lth_engine.training.flops import forward_flops
from lth_engine.training.loop import in_words
from lth_engine.training.material import Material, material, network, put_weights
from lth_engine.training.streamed import Batch
from lth_engine.training.threads import use_threads

ROWS = 400
"""Rows of a history, about: enough for a smooth curve on a screen."""

BINS = 50
"""Bins of the histogram of probabilities, from 0 to 1."""

FAR = 0.2
"""Relative distance of the expected density from the one asked for above which a search is said to end far from it:
twice the slack of 10% that Concrete Ticket Search gives it."""


def before(question: LearnedMask, bench: Workbench) -> None:
    """Refuse what could only fail: a batch larger than the set, a search that is too short, a density that leaves no
    weight (in some layer, where each keeps its share). Raises BadInput."""
    images = material(question.start.data, bench)
    batches_of(question, images)
    model = network(question.start.model, images.facts, question.start.init_seed, "cpu")
    _keep(question, sum(p.numel() for p in prunable(model, question.search.ignore).values()))
    require_level(question.search, question.at_level, model)


def answer(question: LearnedMask, inputs: Inputs, bench: Workbench) -> Answer:
    """Learn to the end.

    Arrays: score/NAME (float32, the highest are kept); history/step, history/epoch and one column for each thing that
    the learner says; histogram/count and histogram/edge (of the probabilities to keep). The summary says density
    (expected at the end), the last value of each column, what it cost, level and wanted_density (unless one search is
    cut at all densities), and `remark`, a sentence if the search ended far from the density that was asked for.

    Raises:
        BadInput: the batch is larger than the set, the search is too short, or the density leaves no weight.
        NonFinite: the objective or what is learned became NaN or infinite; a checkpoint holds the last state that
            was saved before that.
    """
    return Search(question, inputs, bench).run()


class Search:
    """One search in progress."""

    def __init__(self, question: LearnedMask, inputs: Inputs, bench: Workbench) -> None:
        self.question, self.bench = question, bench
        self.images = material(question.start.data, bench)
        self.batches = batches_of(question, self.images)
        model = network(question.start.model, self.images.facts, question.start.init_seed, bench.device)
        put_weights(model, Ticket.from_artifact(inputs[question.start.key]).start)
        use_threads(model, self.images.facts, question.learner.batch_size)
        names = searched(question, model)
        self.size = sum(prunable(model)[name].numel() for name in names)
        self.model = model.eval()
        per_epoch = self.batches.steps_per_epoch
        self.total = question.learner.length.iterations(per_epoch)
        self.noise = torch.Generator(device=bench.device)
        self.learner: Learner = importlib.import_module(f"{question.search.package}.{question.search.name}").begin(
            Setting(question, self.model, names, _keep(question, self.size), self.total, per_epoch, self.noise))
        self.values: tuple[torch.Tensor, ...] = ()
        """What the learner said of its last step."""
        self.rows: list[list[float]] = []
        self.done, self.seconds, self.shown = 0, 0.0, 0

    @property
    def steps(self) -> int:
        """Steps of all rounds."""
        return self.question.rounds * self.total

    def run(self) -> Answer:
        """Learn to the end; see :func:`answer`."""
        meter = Meter(self._report)
        every = max(1, self.steps // ROWS)
        with Saving(self.bench, self._state, _form(self.question)) as saving:
            saved = saving.load()
            if saved is not None:
                self._resume(*saved)
            clock = time.perf_counter()
            for x, y in self._batches_left():
                values = self._step(x, y)
                self.values = values
                if self.bench.device == "cpu":
                    self._look()  # waits for any other device
                if self.done % every == 0 or self.done == self.steps:
                    self._record()
                self.seconds += time.perf_counter() - clock
                meter.tell()
                saving.now_and_then()
                clock = time.perf_counter()
        return self._answer()

    def _batches_left(self) -> Iterator[Batch]:
        while self.done < self.steps:
            epoch, within = divmod(self.done, self.batches.steps_per_epoch)
            for batch in self.batches.epoch(epoch, within):
                yield batch
                if self.done >= self.steps:
                    return

    def _step(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
        self.noise.manual_seed(derive(self.question.seed, "learned mask", self.done))
        try:
            values = self.learner.step(x, y, self.done)
        except (ValueError, RuntimeError) as error:
            said = in_words(str(error), self.batches)
            if said is None:
                raise
            raise _of_search(said) from error
        self.done += 1
        self.shown += len(y)
        return values

    def _record(self) -> None:
        self.rows.append([float(self.done), self.done / self.batches.steps_per_epoch, *self._look()])

    def _look(self) -> list[float]:
        """The values of the last step, refused if they are not finite."""
        row = [float(value) for value in self.values]
        if not np.isfinite(row).all():
            raise self._diverged(self.learner.columns[int(np.argmin(np.isfinite(row)))])
        return row

    def _diverged(self, what: str) -> NonFinite:
        other = " or choose another objective" if "objective" in self.learner.columns else ""
        return NonFinite(f"The {what} of the search became NaN or infinite by step {self.done} of {self.steps}. "
                         f"Lower search.lr (it is {self.question.learner.lr:g}){other}.")

    def _report(self) -> None:
        per_epoch = self.batches.steps_per_epoch
        last: dict[str, Scalar] = dict(zip(self.learner.columns, self.rows[-1][2:], strict=True)) if self.rows else {}
        rate = self.shown / self.seconds if self.seconds else 0.0
        level = f", level {self.question.at_level}" if self.question.learner.each_level else ""
        self.bench.report(Progress(self.done / per_epoch, self.steps / per_epoch,
                                   f"{self.question.learner.title}{level}", rate, last))

    def _shown_arrays(self) -> dict[str, Array]:
        """History and histogram: what a page draws, of a search that runs or is finished."""
        rows = np.array(self.rows, dtype=np.float64).reshape(-1, 2 + len(self.learner.columns))
        found = {f"history/{name}": np.ascontiguousarray(rows[:, i])
                 for i, name in enumerate(("step", "epoch", *self.learner.columns))}
        likely = self.learner.probabilities().detach().cpu().numpy()
        counts, edges = np.histogram(likely, bins=BINS, range=(0.0, 1.0))
        return found | {"histogram/count": counts, "histogram/edge": edges}

    def _state(self) -> tuple[dict[str, Array], dict[str, Scalar]]:
        """What is saved. Raises NonFinite rather than save what no search can go on from."""
        self._look()
        state = self.learner.state()
        if not all(np.isfinite(value).all() for value in state.values()):
            raise self._diverged("state")
        arrays = self._shown_arrays() | {f"learner/{name}": value for name, value in state.items()}
        return arrays, {"done": self.done, "seconds": self.seconds, "shown": self.shown}

    def _resume(self, arrays: dict[str, Array], scalars: dict[str, Scalar]) -> None:
        self.learner.resume({n.removeprefix("learner/"): value for n, value in arrays.items()
                             if n.startswith("learner/")})
        columns = [arrays[f"history/{name}"] for name in ("step", "epoch", *self.learner.columns)]
        self.rows = [list(map(float, row)) for row in zip(*columns, strict=True)]
        self.done, self.shown = int(_number(scalars, "done")), int(_number(scalars, "shown"))
        self.seconds = _number(scalars, "seconds")

    def _answer(self) -> Answer:
        question, facts = self.question, self.images.facts
        found = self.learner.scores()
        require_finite(found)
        scores = {name: np.ascontiguousarray(value.detach().cpu().numpy(), dtype=np.float32)
                  for name, value in found.items()}
        forward = sum(forward_flops(self.model, facts.channels, facts.height, facts.width).values())
        flops = float(self.shown * forward * question.learner.passes)
        last = dict(zip(self.learner.columns, self.rows[-1][2:], strict=True))
        summary: dict[str, Scalar] = {
            **last, "prunable": self.size, "epochs": self.steps / self.batches.steps_per_epoch, "steps": self.steps,
            "train_seconds": self.seconds, "flops_dense": flops, "flops_sparse": flops, "remark": ""}
        if question.learner.each_level:
            summary |= {"wanted_density": question.density, "level": question.at_level,
                        "remark": _remark(last["density"], question.density)}
        return Answer({f"score/{name}": value for name, value in scores.items()} | self._shown_arrays(), summary)


def _remark(density: float, wanted: float) -> str:
    """A sentence if the search ended far from the density that was asked for, else empty."""
    if abs(density / wanted - 1) <= FAR:
        return ""
    return (f"The search ended at an expected density of {100 * density:.3g}%, far from the {100 * wanted:.3g}% asked "
            "for: the mask cuts its scores at the density asked for all the same, but they were learned for another. "
            "Search longer (search.length), or change search.lr.")


def searched(question: LearnedMask, model: nn.Module) -> list[str]:
    """The parameters that may be pruned, in the order of the network, by which shares go."""
    names = without_ignored(in_network_order(model), question.search.ignore)
    return [name for name in in_network_order(model) if name in names]


def batches_of(question: LearnedMask, images: Material) -> Batches:
    """The batches that the search is shown. Raises BadInput if one is larger than the set."""
    learner: MaskLearner = question.learner
    training = Training(length=learner.length, batch_size=learner.batch_size, flip=learner.flip, crop=learner.crop)
    try:
        batches = Batches(images.train, training, derive(question.seed, "learned mask") % 2**52, level=0)
    except BadInput as error:
        raise _of_search(error) from error
    learner.require_length(batches.steps_per_epoch)
    return batches


def _keep(question: LearnedMask, size: int) -> int:
    keep = question.search.kept(question.at_level, size)
    if keep < 1:
        raise BadInput(f"Level {question.at_level} keeps {100 * question.density:.2g}% of {size:,} weights, which is "
                       "none. Lower the level or search.fraction.")
    return keep


def _form(question: LearnedMask) -> str:
    return f"learned mask of {question.search.name}, 1"


def _of_search(error: BadInput) -> BadInput:
    """What was said of a training, said of the search."""
    return BadInput(str(error).replace("training.", "search."))


def _number(scalars: dict[str, Scalar], name: str) -> float:
    value = scalars[name]
    assert isinstance(value, int | float)
    return value
