"""Drawing a mask of a ResNet-20, beside the bare passes that its score is made of (goal: 1.2 times).

SNIP is one pass forward and backward over its images, GraSP two of them and a product with the Hessian, SynFlow a
hundred passes of one image in double precision. The images, 10 of each of 10 classes, are random: no time depends on
them. Ours includes building the network, laying the weights into it, and cutting the scores. Each mask is timed
between two rounds of its passes, and the ratio is the median over such triples: what slows the machine slows both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from statistics import median

import torch
import torch.nn.functional as F

from lth_engine.finders.ranked import keep_best
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.scorers.subject import Masked, Subject
from lth_engine.specs.finding import OneShot
from lth_engine.specs.models import CifarResnet
from lth_engine.specs.scorers import Grasp, ScorerSpec, Snip, Synflow
from lth_engine.specs.tickets import FoundTicket

DENSITY = 0.0144
"""That of the tables of Concrete Ticket Search."""

Weights = dict[str, torch.Tensor]


def main(repeats: int = 15) -> None:
    """Print seconds of both, and their ratio, for each scorer."""
    torch.set_num_threads(2)
    x = torch.randn(100, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    batch = x, torch.arange(100) % 10
    values = {name: p.detach() for name, p in network()[1].items()}
    print(f"{torch.get_num_threads()} threads, medians of {repeats}; in brackets the lowest and highest ratio")
    cases: Iterable[tuple[ScorerSpec, Callable[[], object]]] = (
        (Snip(), _snip(batch)), (Grasp(), _grasp(batch)), (Synflow(), _synflow()))
    for scorer, bare in cases:
        theirs, ours = [seconds(bare)], []
        for _ in range(repeats):
            ours.append(seconds(lambda scorer=scorer: draw(scorer, batch, values)))
            theirs.append(seconds(bare))
        ratios = [2 * own / (before + after) for own, before, after in zip(ours, theirs, theirs[1:], strict=False)]
        print(f"{scorer.title:8} {median(ours):7.3f} s; its passes {median(theirs):7.3f} s; "
              f"ratio {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def network(double: bool = False) -> tuple[torch.nn.Module, Weights]:
    """A ResNet-20 for CIFAR, and its prunable weights, which alone ask for a gradient."""
    model = build(CifarResnet(depth=20), 3, 32, 32, 10, 0).to(memory_format=torch.channels_last).eval()
    model = (model.double() if double else model).requires_grad_(False)
    return model, {name: p.requires_grad_() for name, p in prunable(model).items()}


def draw(scorer: ScorerSpec, batch: tuple[torch.Tensor, torch.Tensor], values: Weights) -> None:
    """The mask of a search in one shot, as the lab draws it."""
    kept: dict[str, object] = {}

    def subject(allowed: Weights) -> Subject:
        return Subject(Masked(values, allowed), allowed, 0, lambda: network()[0], lambda per_class: [batch],
                       lambda: (3, 32, 32), kept)
    question = FoundTicket(search=OneShot(scorer=scorer, fraction=1 - DENSITY))
    keep_best(question, scorer, subject, {n: torch.ones_like(v, dtype=torch.bool) for n, v in values.items()}, 0)


def _snip(batch: tuple[torch.Tensor, torch.Tensor]) -> Callable[[], object]:
    model, weights = network()
    x, y = batch
    return lambda: torch.autograd.grad(F.cross_entropy(model(x), y), list(weights.values()))


def _grasp(batch: tuple[torch.Tensor, torch.Tensor]) -> Callable[[], object]:
    model, weights = network()
    x, y = batch
    parameters = list(weights.values())

    def passes() -> object:
        gradient = torch.autograd.grad(F.cross_entropy(model(x) / 200, y), parameters)
        again = torch.autograd.grad(F.cross_entropy(model(x) / 200, y), parameters, create_graph=True)
        return torch.autograd.grad(again, parameters, gradient)
    return passes


def _synflow() -> Callable[[], object]:
    model, weights = network(double=True)
    parameters = list(weights.values())
    with torch.no_grad():
        for p in model.parameters():
            p.abs_()
    ones = torch.ones(1, 3, 32, 32, dtype=torch.float64)
    return lambda: [torch.autograd.grad(model(ones).sum(), parameters) for _ in range(Synflow().rounds)]


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
