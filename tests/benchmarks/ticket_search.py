"""A step of Concrete Ticket Search over the bare passes that it needs, in one run.

The bare passes are a forward and a backward pass of the masked network, differentiated by its weights, and for reverse
KL a forward pass of the dense network without gradients: the same batch, normalised by its own statistics in both. A
step of the search also draws noise and soft mask, weighs the gradients of objective and density, and lets Adam move
the logits. Blocks of both alternate; the ratio is the median over rounds. The acceptance is 1.15.
"""

from __future__ import annotations

import copy
import statistics
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from lth_engine.finders.cts import Concrete
from lth_engine.finders.learner import Setting
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.mask_learners import Cts
from lth_engine.specs.models import CifarResnet, Lenet300100, ModelSpec
from lth_engine.specs.objectives import ObjectiveSpec, ReverseKl, TaskLoss
from lth_engine.specs.tickets import LearnedMask
from tests.benchmarks.training_step import alternate

CASES = (("ResNet-20", CifarResnet(), 3, 32, 128, 2, 9),
         ("LeNet-300-100", Lenet300100(), 1, 28, 512, 40, 11))
"""Name, model, channels, side, batch size, steps in a block, rounds."""

OBJECTIVES = (ReverseKl(), TaskLoss())


def main() -> None:
    """Print one line a network and objective."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; medians over rounds")
    print(f"{'network':15} {'batch':>6} {'objective':12} {'passes ms':>10} {'search ms':>10} {'search / passes':>16}")
    for name, spec, channels, side, batch, block, rounds in CASES:
        model = build(spec, channels, side, side, 10, 0).to(memory_format=torch.channels_last)
        x = torch.randn(batch, channels, side, side).to(memory_format=torch.channels_last)
        y = torch.randint(0, 10, (batch,))
        for objective in OBJECTIVES:
            ours, bare = alternate(search(spec, model, objective, x, y), passes(model, objective, x, y), block, rounds)
            ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
            print(f"{name:15} {batch:6} {objective.name:12} {1e3 * statistics.median(bare):10.3f} "
                  f"{1e3 * statistics.median(ours):10.3f} {ratio:16.3f}", flush=True)


def search(spec: ModelSpec, model: nn.Module, objective: ObjectiveSpec, x: torch.Tensor,
           y: torch.Tensor) -> Iterator[None]:
    """Steps of the search at 1.44% density, as the lab does them."""
    weights, total = prunable(model), 10**6
    keep = round(0.0144 * sum(p.numel() for p in weights.values()))
    question = LearnedMask(search=Cts(objective=objective))
    learner = Concrete(Setting(question, model.eval(), list(weights), keep, total, total, torch.Generator()))
    for done in range(total):
        learner.step(x, y, done)
        yield


def passes(model: nn.Module, objective: ObjectiveSpec, x: torch.Tensor, y: torch.Tensor) -> Iterator[None]:
    """The passes alone: of a student with weights and gradients, and of a teacher if the objective compares."""
    student, teacher = frozen(model), frozen(model)
    weights = [weight.requires_grad_() for weight in prunable(student).values()]
    while True:
        value = F.cross_entropy(student(x), y)
        if objective.compares:
            with torch.no_grad():
                teacher(x)
        torch.autograd.grad(value, weights)
        yield


def frozen(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode without gradients, that normalises each batch by its own statistics."""
    found = copy.deepcopy(model).eval().requires_grad_(False)
    for layer in found.modules():
        if isinstance(layer, _NormBase):
            layer.running_mean = layer.running_var = None
    return found


if __name__ == "__main__":
    main()
