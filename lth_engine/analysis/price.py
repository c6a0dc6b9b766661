"""What a ticket search will cost on this machine, from a few timed steps."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping

import torch

from lth_engine.core.artifact import Answer, Inputs, Scalar
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.masking.applied import AppliedMask
from lth_engine.masking.prunable import prunable
from lth_engine.masking.prune import prune_to_level
from lth_engine.specs.questions import Price, TicketSearch
from lth_engine.training.batches import Batches
from lth_engine.training.evaluate import evaluate
from lth_engine.training.flops import TRAINING_FACTOR, forward_flops, sparse_flops
from lth_engine.training.loop import make_optimizer, train
from lth_engine.training.material import Material, material, network

_TIMED_SECONDS = 1.0
"""How long steps are timed; the first two are warm-up."""


def answer(question: Price, inputs: Inputs, bench: Workbench) -> Answer:
    """Count epochs and operations exactly; time a few steps and one evaluation and multiply."""
    search = question.of
    bench.report(Progress(0, 0, "loading the images"))
    images = material(search.data, bench.data_root, bench.device)
    facts = images.facts
    model = network(search.model, facts, search.seed, bench.device)
    _refuse_empty(search, model)
    count = sum(p.numel() for p in prunable(model, search.search.ignore).values())
    bench.report(Progress(0, 0, "timing a few steps"))
    batches = Batches(images.train, search.training, search.seed, level=0)
    step = _seconds_a_step(search, model, batches)
    check = _seconds_an_evaluation(model, images)
    length = search.training.length.iterations(batches.steps_per_epoch)
    rewind = search.search.rewind.iterations(batches.steps_per_epoch)
    every = search.training.evaluate_every.iterations(batches.steps_per_epoch)
    runs = search.runs()
    pretraining = len({run.ticket.dense.key for run in runs.values()})
    steps = len(runs) * (length - rewind) + pretraining * rewind
    checks = len(runs) * (2 + (length // every if every else 0))
    per_image = forward_flops(model, facts.channels, facts.height, facts.width)
    seen = TRAINING_FACTOR * len(images.train) / batches.steps_per_epoch
    dense = sum(per_image.values()) * seen
    sparse = sum(_ideal(search, run.ticket.level, per_image) * seen * (length - rewind) for run in runs.values())
    parameters = sum(p.numel() for p in model.parameters())
    tickets = len({run.ticket.key for run in runs.values()})
    kept = sum(search.search.density(run.ticket.level) * count for run in runs.values())
    summary: dict[str, Scalar] = {
        "epochs": steps / batches.steps_per_epoch, "runs": len(runs), "steps_per_epoch": batches.steps_per_epoch,
        "steps": steps, "flops_dense": dense * steps, "flops_sparse": sparse + dense * pretraining * rewind,
        "seconds": steps * step + checks * check, "step_milliseconds": 1000 * step, "evaluation_seconds": check,
        "peak_bytes": _peak_bytes(bench.device), "store_bytes": int(8 * kept + (tickets + len(runs)) * count / 8),
        "parameters": parameters, "prunable": count, "train_images": len(images.train)}
    return Answer({}, summary)


def _refuse_empty(search: TicketSearch, model: torch.nn.Module) -> None:
    """Ask for the sparsest mask now, so that a density that leaves nothing is refused before hours of training."""
    scores = {name: torch.zeros_like(p) for name, p in prunable(model, search.search.ignore).items()}
    prune_to_level(search.search, search.levels, scores, {n: torch.ones_like(s, dtype=torch.bool) for n, s in
                                                          scores.items()})


def _ideal(search: TicketSearch, level: int, per_image: Mapping[str, int]) -> float:
    return sparse_flops(per_image, {name: search.search.density(level) for name in per_image
                                    if name not in search.search.ignore})


def _seconds_a_step(search: TicketSearch, model: torch.nn.Module, batches: Batches) -> float:
    optimizer = make_optimizer(search.training.optimizer, model)
    half = {name: (torch.rand(p.shape) < 0.5).numpy() for name, p in prunable(model).items()}
    mask = AppliedMask(model, Mask(half))
    steps = 0
    began = time.perf_counter()
    for done in train(model, batches, search.training, optimizer, mask, start=0, stop=1_000_000, total=1_000_000):
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


def _peak_bytes(device: str) -> int:
    """Peak memory of this process, and of the device if it has its own."""
    host = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return host if device == "cpu" else max(host, torch.cuda.max_memory_allocated())
