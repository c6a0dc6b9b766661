"""What a ticket search will cost on this machine, from a few timed steps of each kind of training and mask search."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from lth_engine.analysis.mask_price import WARM_UP, images_in, mask_price
from lth_engine.analysis.ticket_search import require_askable
from lth_engine.core.artifact import Answer, Inputs, Scalar
from lth_engine.core.mask import Mask
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.masking.prunable import prunable
from lth_engine.specs.models import ModelSpec
from lth_engine.specs.questions import Price, TicketSearch, trainings
from lth_engine.specs.tickets import DenseTicket, Run
from lth_engine.specs.training import Training
from lth_engine.training.batches import Batches
from lth_engine.training.flops import TRAINING_FACTOR, forward_flops, sparse_flops
from lth_engine.training.loop import train
from lth_engine.training.material import Facts, Material, material, network, take_weights
from lth_engine.training.threads import use_threads
from lth_engine.training.workplace import workplace

_FILE_BYTES = 40_000
"""Size of a stored ticket or run of a network with a handful of weights, about (measured with LeNet-30-20)."""

_TIMED_SECONDS = 1.0
"""How long the steps of one kind of training are timed, and an evaluation."""


def answer(question: Price, inputs: Inputs, bench: Workbench) -> Answer:
    """Count epochs and operations exactly; time a few steps of each kind of training and one evaluation."""
    search = question.of
    images = material(search.data, bench)
    facts = images.facts
    model = network(search.model, facts, search.seed, bench.device)
    require_askable(search, search.levels, bench)
    bench.report(Progress(0, 0, "timing a few steps"))
    needed = trainings(search)
    batches = {q.training: Batches(images.train, q.training, 0, level=0) for q in needed}
    plans = [_plan(q, batches[q.training]) for q in needed]
    seconds = {training: _seconds_a_step(search.model, facts, training, images, bench)
               for training in dict.fromkeys(plan.training for plan in plans)}
    check = _seconds_an_evaluation(model, images)
    per_image = forward_flops(model, facts.channels, facts.height, facts.width)
    dense, names = sum(per_image.values()), [n for n in per_image if n not in search.search.ignore]
    count = sum(p.numel() for p in prunable(model, search.search.ignore).values())
    host, accelerator = _peak_bytes(bench.device)
    first = _plan(search.run(0, 0), batches[search.training])
    masks = mask_price(search, images, dense, seconds[search.training] / search.training.batch_size, _TIMED_SECONDS,
                       bench)
    summary: dict[str, Scalar] = {
        "epochs": sum(plan.epochs for plan in plans) + masks.epochs, "runs": len(search.runs()),
        "trainings": len(plans),
        "steps_per_epoch": first.batches.steps_per_epoch, "steps": sum(plan.steps for plan in plans) + masks.steps,
        "flops_dense": masks.flops + sum(plan.images_seen * dense for plan in plans),
        "flops_sparse": masks.flops + sum(plan.images_seen * sparse_flops(
            per_image, dict.fromkeys(names, search.search.density(plan.level))) for plan in plans),
        "seconds": masks.seconds + sum(plan.steps * seconds[plan.training] + plan.evaluations * check
                                       for plan in plans),
        "mask_epochs": masks.epochs, "mask_seconds": masks.seconds,
        "step_milliseconds": 1000 * seconds[search.training], "evaluation_seconds": check,
        "peak_bytes": host, "accelerator_peak_bytes": accelerator,
        "store_bytes": _store_bytes(search, plans, masks.learned, count),
        "parameters": sum(p.numel() for p in model.parameters()), "prunable": count,
        "train_images": first.batches.count}
    return Answer({}, summary)


@dataclass(frozen=True)
class _Plan:
    """One training that a search needs."""

    training: Training
    batches: Batches
    level: int
    start: int
    stop: int

    @property
    def steps(self) -> int:
        return self.stop - self.start

    @property
    def epochs(self) -> float:
        return self.steps / self.batches.steps_per_epoch

    @property
    def images_seen(self) -> float:
        """Images that pass forward and backward, in units of a forward pass."""
        first, last = (images_in(self.batches, self.training.batch_size, steps) for steps in (self.start, self.stop))
        return TRAINING_FACTOR * self.training.flatness.passes * (last - first)

    @property
    def evaluations(self) -> int:
        """At the start, at every multiple of `evaluate_every`, and at the end."""
        every = self.training.evaluate_every.iterations(self.batches.steps_per_epoch)
        inside = self.stop // every - self.start // every if every else 0
        return 1 + inside + (self.stop % every != 0 if every else 1)


def _plan(question: Run | DenseTicket, batches: Batches) -> _Plan:
    training = question.training
    if isinstance(question, DenseTicket):
        return _Plan(training, batches, 0, 0, training.reach(question.rewind, batches.steps_per_epoch)[0])
    return _Plan(training, batches, question.ticket.level, *training.span(question.begin, batches.steps_per_epoch))


def _store_bytes(search: TicketSearch, plans: Sequence[_Plan], learned: int, count: int) -> int:
    """Kept weights of every training and of its ticket (4 bytes each), their packed masks, the scores of masks that
    are learned, and what any file holds."""
    kept = 2 * sum(search.search.density(plan.level) for plan in plans)
    return int(4 * kept * count + 2 * len(plans) * (count / 8 + _FILE_BYTES) + learned * (4 * count + _FILE_BYTES))


def _seconds_a_step(spec: ModelSpec, facts: Facts, training: Training, images: Material, bench: Workbench) -> float:
    # A rate of almost nothing: the work is the same, and no setting of the search can make the weights explode.
    slow = training.replace(optimizer=training.optimizer.replace(lr=1e-12), rate_batch=0)
    model = network(spec, facts, 0, bench.device)
    use_threads(model, facts, training.batch_size)
    half = Mask({name: (torch.rand(p.shape) < 0.5).numpy() for name, p in prunable(model).items()})
    weights = take_weights(model)
    step = workplace(spec, model, slow, Ticket(half, weights, 1), 0, weights)
    batches = Batches(images.train, slow, 0, level=0)
    # The first epoch begins with its last batch: where a step is recorded or compiled for each size of a batch, both
    # sizes are done before the clock starts.
    start = batches.steps_per_epoch - 1
    steps = 0
    began = time.perf_counter()
    for done in train(step, batches, start=start, stop=1_000_000, total=1_000_000):
        steps = done.step - start - WARM_UP
        if steps == 0:
            float(done.loss)
            began = time.perf_counter()
        if steps >= 3 and time.perf_counter() - began > _TIMED_SECONDS:
            break
    float(done.loss)
    return (time.perf_counter() - began) / steps


def _seconds_an_evaluation(model: torch.nn.Module, images: Material) -> float:
    """Of validation and test images, from as many batches as fit into the time for it."""
    total = len(images.validation) + len(images.test)
    began, done = time.perf_counter(), 0
    model.eval()
    with torch.no_grad():
        for x, y in images.test.in_order():
            float(F.cross_entropy(model(x), y))
            done += len(y)
            if time.perf_counter() - began > _TIMED_SECONDS:
                break
    return (time.perf_counter() - began) * total / done


def _peak_bytes(device: str) -> tuple[int, int]:
    """Peak memory of this process, and of the accelerator (0 without one)."""
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes on macOS, in KiB on Linux
    host = unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return host, torch.cuda.max_memory_allocated() if device == "cuda" else 0
