"""What a ticket search will cost on this machine, from a few timed steps."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Mapping

import torch

from lth_engine.core.artifact import Answer, Inputs, Scalar
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.masking.applied import AppliedMask
from lth_engine.masking.feasible import require_feasible
from lth_engine.masking.prunable import prunable
from lth_engine.specs.questions import Price, TicketSearch
from lth_engine.training.batches import Batches
from lth_engine.training.evaluate import evaluate
from lth_engine.training.flops import TRAINING_FACTOR, forward_flops, sparse_flops
from lth_engine.training.loop import make_optimizer, train
from lth_engine.training.material import Material, material, network
from lth_engine.training.threads import use_threads

_TIMED_SECONDS = 1.0
"""How long steps are timed; the first two are warm-up."""


def answer(question: Price, inputs: Inputs, bench: Workbench) -> Answer:
    """Count epochs and operations exactly; time a few steps and one evaluation and multiply."""
    search = question.of
    images = material(search.data, bench)
    facts = images.facts
    model = network(search.model, facts, search.seed, bench.device)
    require_feasible(search, model)
    bench.report(Progress(0, 0, "timing a few steps"))
    use_threads(model, facts, search.training.batch_size)
    batches = Batches(images.train, search.training, search.seed, level=0)
    rewind, total = search.training.span(search.search.rewind, batches.steps_per_epoch)
    step, check = _seconds_a_step(search, model, batches), _seconds_an_evaluation(model, images)
    runs, starts = search.runs(), search.starts() if rewind else ()
    steps = len(runs) * (total - rewind) + len(starts) * rewind
    checks = len(runs) * _evaluations(search, rewind, total, batches) + len(starts) * _evaluations(
        search, 0, rewind, batches)
    per_image = forward_flops(model, facts.channels, facts.height, facts.width)
    seen = TRAINING_FACTOR * len(images.train) / batches.steps_per_epoch
    dense = sum(per_image.values()) * seen
    sparse = sum(_ideal(search, run.ticket.level, per_image) * seen * (total - rewind) for run in runs.values())
    count = sum(p.numel() for p in prunable(model, search.search.ignore).values())
    host, accelerator = _peak_bytes(bench.device)
    summary: dict[str, Scalar] = {
        "epochs": steps / batches.steps_per_epoch, "runs": len(runs), "steps_per_epoch": batches.steps_per_epoch,
        "steps": steps, "flops_dense": dense * steps, "flops_sparse": sparse + dense * len(starts) * rewind,
        "seconds": steps * step + checks * check, "step_milliseconds": 1000 * step, "evaluation_seconds": check,
        "peak_bytes": host, "accelerator_peak_bytes": accelerator, "store_bytes": _store_bytes(search, count),
        "parameters": sum(p.numel() for p in model.parameters()), "prunable": count,
        "train_images": len(images.train)}
    return Answer({}, summary)


def _evaluations(search: TicketSearch, start: int, stop: int, batches: Batches) -> int:
    """Evaluations of a sitting: at its start, at every multiple of `evaluate_every`, and at its end."""
    every = search.training.evaluate_every.iterations(batches.steps_per_epoch)
    inside = stop // every - start // every if every else 0
    return 1 + inside + (stop % every != 0 if every else 1)


def _store_bytes(search: TicketSearch, count: int) -> int:
    """Kept weights of every ticket and run (4 bytes each), and their packed masks."""
    runs = search.runs().values()
    tickets = {run.ticket.key: run.ticket for run in runs}
    kept = sum(search.search.density(t.level) for t in [*tickets.values(), *(run.ticket for run in runs)])
    return int(4 * kept * count + (len(tickets) + len(runs)) * count / 8)


def _ideal(search: TicketSearch, level: int, per_image: Mapping[str, int]) -> float:
    return sparse_flops(per_image, {name: search.search.density(level) for name in per_image
                                    if name not in search.search.ignore})


def _seconds_a_step(search: TicketSearch, model: torch.nn.Module, batches: Batches) -> float:
    # A rate of almost nothing: the work is the same, and no setting of the search can make the weights explode.
    training = search.training.replace(optimizer=search.training.optimizer.replace(lr=1e-12))
    optimizer = make_optimizer(training.optimizer, model)
    half = {name: (torch.rand(p.shape) < 0.5).numpy() for name, p in prunable(model).items()}
    mask = AppliedMask(model, Mask(half))
    steps = 0
    began = time.perf_counter()
    for done in train(model, batches, training, optimizer, mask, start=0, stop=1_000_000, total=1_000_000):
        if done.step == 2:
            began = time.perf_counter()
        steps = done.step - 2
        if steps >= 3 and time.perf_counter() - began > _TIMED_SECONDS:
            break
    float(done.loss)
    return (time.perf_counter() - began) / steps


def _seconds_an_evaluation(model: torch.nn.Module, images: Material) -> float:
    began = time.perf_counter()
    evaluate(model, images.validation)
    evaluate(model, images.test)
    return time.perf_counter() - began


def _peak_bytes(device: str) -> tuple[int, int]:
    """Peak memory of this process, and of the accelerator (0 without one)."""
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes on macOS, in KiB on Linux
    host = unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return host, torch.cuda.max_memory_allocated() if device == "cuda" else 0
