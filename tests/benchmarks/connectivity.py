"""A connectivity curve against its bare forward passes: same network and images, side by side in one run.

Bare are the forward passes alone: a loop of model(x) without gradients over normalised batches of 1000 images that are
in memory in channels_last layout, for the test and the training images, and one more over the training images with
batch norm in training mode where it is re-estimated. Ours is the whole answer: the weights of every point, the
protocol, gathering and normalising, errors and losses, barriers and their interval. Blocks of points alternate.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from lth_engine.analysis import connectivity
from lth_engine.analysis.lines.norm_statistics import tracking
from lth_engine.core.artifact import Artifact, Provenance
from lth_engine.core.workbench import Workbench
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.connecting import Connectivity
from lth_engine.specs.models import CifarResnet, Lenet300100, ModelSpec
from lth_engine.specs.tickets import DenseTicket, Run
from lth_engine.training.batches import Images
from lth_engine.training.material import Facts, Material, network, take_weights
from lth_engine.training.threads import available_threads

CASES = (("LeNet, 8 x 8", Lenet300100(), 1, 8, 1347, 450, 101, 9),
         ("LeNet, 28 x 28", Lenet300100(), 1, 28, 6000, 2000, 101, 3),
         ("ResNet-20", CifarResnet(), 3, 32, 256, 256, 11, 3))
"""Name, model, channels, side, training images, test images, points, rounds."""


def main() -> None:
    """Print one line a case; with a GPU, the 101 points of ResNet-20 on 10,000 test images."""
    print(f"torch {torch.__version__}, {available_threads()} threads; medians over rounds")
    print(f"{'network':15} {'points':>6} {'bare ms a point':>16} {'ours ms a point':>16} {'ours / bare':>12}")
    for name, spec, channels, side, train, test, points, rounds in CASES:
        line(name, Curves(spec, made(channels, side, train, test, "cpu"), points, "cpu"), rounds)
    if torch.cuda.is_available():
        print(torch.cuda.get_device_name())
        images = made(3, 32, 50_000, 10_000, "cuda")
        line("ResNet-20, GPU", Curves(CifarResnet(), images, 101, "cuda"), 3)
        test = Curves(CifarResnet(), images, 101, "cuda", norm_statistics="interpolated", training_images=False)
        line("test alone", test, 3)
        print(f"101 points of ResNet-20 on 10,000 test images in {timed(test.ours):.2f} s (goal: 3)")
    else:
        print("No NVIDIA GPU here: the 101 points of ResNet-20 on one were not measured.")


def line(name: str, curves: Curves, rounds: int) -> None:
    """Measure one case: whole curves of both kinds alternate, after one of each."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for work, seconds in zip(*(((curves.bare, curves.ours), times) if number % 2 else
                                   ((curves.ours, curves.bare), times[::-1])), strict=True):
            spent = timed(work)
            if number:
                seconds.append(spent)
    ratio = statistics.median(ours / bare for bare, ours in zip(*times, strict=True))
    bare, ours = (1e3 * statistics.median(seconds) / curves.question.points for seconds in times)
    print(f"{name:15} {curves.question.points:6} {bare:16.2f} {ours:16.2f} {ratio:12.3f}", flush=True)


def timed(work) -> float:
    """Seconds that it takes, the device's own work included."""
    began = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def made(channels: int, side: int, train: int, test: int, device: str) -> Material:
    """Random images."""
    def images(count: int) -> Images:
        x = torch.randint(0, 256, (count, channels, side, side), dtype=torch.uint8)
        return Images(x, torch.randint(0, 10, (count,)), (0.5,) * channels, (0.25,) * channels, device)

    facts = Facts(channels, side, side, 10, (0.5,) * channels, (0.25,) * channels)
    return Material(facts, images(train), images(1), images(test))


class Curves:
    """One curve between two random networks, ours and bare."""

    def __init__(self, spec: ModelSpec, images: Material, points: int, device: str, **settings) -> None:
        runs = [Run(ticket=DenseTicket(model=spec, init_seed=seed)) for seed in (0, 1)]
        self.question = Connectivity(first=runs[0], second=runs[1], points=points, **settings)
        self.images, self.bench = images, Workbench(Path(), device)
        self.inputs = {run.key: artifact(run, images.facts) for run in runs}
        self.model = network(spec, images.facts, 0, device)
        self.norms = tracking(self.model) if self.question.norm_statistics == "recalibrated" else []
        parts = (images.test, images.train) if self.question.training_images else (images.test,)
        self.batches = [x for part in parts for x, _ in part.in_order()]
        self.statistics = [x for x, _ in images.train.in_order()] if self.norms else []

    def ours(self) -> None:
        """The lab's own answer."""
        with mock.patch.object(connectivity, "material", return_value=self.images):
            connectivity.answer(self.question, self.inputs, self.bench)

    @torch.no_grad()
    def bare(self) -> None:
        """Nothing but the forward passes."""
        for _ in range(self.question.points):
            if self.norms:
                self.model.train()
                for x in self.statistics:
                    self.model(x)
            self.model.eval()
            for x in self.batches:
                self.model(x)


def artifact(run: Run, facts: Facts) -> Artifact:
    """A run that ended where it began, half of its weights pruned."""
    dense, rng = run.ticket.dense, np.random.default_rng(run.ticket.dense.init_seed)
    model = build(dense.model, facts.channels, facts.height, facts.width, facts.num_classes, dense.init_seed)
    masks = {name: rng.random(tuple(p.shape)) < 0.5 for name, p in prunable(model).items()}
    weights = {name: value * masks[name] if name in masks else value for name, value in take_weights(model).items()}
    arrays = {f"final/{n}": a for n, a in weights.items()} | {f"mask/{n}": a for n, a in masks.items()}
    return Artifact(run.key, "run", {}, {}, arrays, {}, Provenance({}, "", "", "cpu", 1, 0.0, 0.0), "")


if __name__ == "__main__":
    main()
