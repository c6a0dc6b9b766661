"""A step of the posterior's optimisation against a bare forward and backward pass, and what 256 epochs would take.

LeNet-300-100 on 60,000 images of 28 x 28, batches of 256. The bare pass has one normalised batch in memory and does
zero_grad, forward, cross-entropy and backward. Ours also gathers uint8 images, normalises, draws a network, and moves
its deviation. Blocks of both alternate; 256 epochs are scaled from the steps that were measured (60,160 of them).
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from lth_engine.analysis.bounds.notes import Notes
from lth_engine.analysis.bounds.posterior import Posterior
from lth_engine.analysis.bounds.posterior_search import PosteriorSearch
from lth_engine.analysis.trained_images import TrainedImages
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Workbench
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.bounds import PacBayes
from lth_engine.specs.models import Lenet300100
from lth_engine.specs.training import Training
from lth_engine.training.batches import Images
from tests.benchmarks.training_step import alternate

IMAGES, EPOCHS, BLOCK, ROUNDS = 60_000, 256, 60, 9


def main() -> None:
    """Print one line a density."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; medians over {ROUNDS} rounds")
    print(f"{'density':>8} {'drawn':>8} {'bare ms':>9} {'ours ms':>9} {'ours / bare':>12} {'256 epochs':>11}")
    for density in (1.0, 0.2):
        search = prepared(density)
        ours, bare = alternate(our_steps(search), bare_steps(), BLOCK, ROUNDS)
        step, ratio = statistics.median(ours), statistics.median(a / b for a, b in zip(ours, bare, strict=True))
        print(f"{density:8.0%} {search.posterior.shift.numel():8,} {1e3 * statistics.median(bare):9.3f} "
              f"{1e3 * step:9.3f} {ratio:12.2f} {EPOCHS * search.steps_per_epoch * step:9.0f} s", flush=True)


def prepared(density: float) -> PosteriorSearch:
    """The search around an untrained network under a random mask."""
    x = torch.randint(0, 256, (IMAGES, 1, 28, 28), dtype=torch.uint8)
    images = Images(x, torch.randint(0, 10, (IMAGES,)), (0.5,), (0.25,), "cpu")
    model = build(Lenet300100(), 1, 28, 28, 10, 0)
    rng = np.random.default_rng(0)
    mask = Mask({n: rng.random(tuple(p.shape)) < density for n, p in prunable(model).items()})
    question, bench = PacBayes(), Workbench(Path())
    shown = TrainedImages(images, Training())
    posterior = Posterior(model, mask, True, question.first_rho)
    squared = torch.full_like(posterior.shift, 1e-4)
    return PosteriorSearch(question, posterior, squared, 0.0, shown, Notes(bench, "benchmark"), bench)


def our_steps(search: PosteriorSearch) -> Iterator[None]:
    """Steps of the search, epoch after epoch."""
    while True:
        for x, y in search.batches():
            search.descend(x, y)
            yield


def bare_steps() -> Iterator[None]:
    """The least that the gradient of one batch costs."""
    model = build(Lenet300100(), 1, 28, 28, 10, 0)
    x, y = torch.randn(256, 1, 28, 28), torch.randint(0, 10, (256,))
    while True:
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        yield


if __name__ == "__main__":
    main()
