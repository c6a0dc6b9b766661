"""Our training step against the bare loop: same network, optimizer and batch size, side by side in one run.

The bare loop has one normalised batch in memory and does zero_grad, forward, cross-entropy, backward and step, no
more. Ours also draws the order, gathers uint8 images, normalises (and for ResNet-20 flips and crops), sets the
learning rate, looks at the loss, and applies the mask. Blocks of both alternate; the ratio is the median over rounds.
"""

from __future__ import annotations

import itertools
import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F

from lth_engine.core.mask import Mask
from lth_engine.masking.applied import AppliedMask
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet, Lenet300100, ModelSpec, Vgg
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.training import Training
from lth_engine.training.batches import Batches, Images
from lth_engine.training.loop import train
from lth_engine.training.stepper import Stepper

CASES = (("LeNet-300-100", Lenet300100(), 1, 28, False, 128, 60, 11),
         ("ResNet-20", CifarResnet(), 3, 32, True, 128, 2, 11),
         ("VGG-16", Vgg(depth=16), 3, 32, True, 64, 1, 7))
"""Name, model, channels, side, augmentation, batch size, steps in a block, rounds."""


def main() -> None:
    """Print one line a network and density, and what the mask of a ResNet-20 costs by itself."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; medians over rounds")
    print(f"{'network':15} {'batch':>6} {'density':>8} {'bare ms':>9} {'ours ms':>9} {'ours / bare':>12} images/s")
    for name, spec, channels, side, augment, batch, block, rounds in CASES:
        for density in (1.0, 0.2):
            ours = our_steps(spec, channels, side, augment, batch, density)
            bare = bare_steps(spec, channels, side, batch)
            a, b = alternate(ours, bare, block, rounds)
            ratio = statistics.median(x / y for x, y in zip(a, b, strict=True))
            print(f"{name:15} {batch:6} {density:8.0%} {1e3 * statistics.median(b):9.3f} "
                  f"{1e3 * statistics.median(a):9.3f} {ratio:12.3f} {batch / statistics.median(a):9.0f}", flush=True)
    step, mask = mask_cost()
    print(f"mask of a ResNet-20 at 20% density: {1e6 * mask:.0f} microseconds, {mask / step:.2%} of a step")


def mask_cost() -> tuple[float, float]:
    """Seconds of a ResNet-20 step (batch 128), and of laying the mask over its weights once."""
    stepper, batches = prepared(CifarResnet(), 3, 32, True, 128, 0.2)
    steps = train(stepper, batches, start=0, stop=10**9, total=10**9)
    seconds = [timed(lambda: next(steps)) for _ in range(8)]
    masks = [timed(stepper.mask.apply) for _ in range(200)]
    return statistics.median(seconds[2:]), statistics.median(masks)


def timed(work) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def prepared(spec: ModelSpec, channels: int, side: int, augment: bool, batch: int,
             density: float, images: int = 0) -> tuple[Stepper, Batches]:
    """A network under a random mask, and images to train it on (200 batches, if their number is not given)."""
    x = torch.randint(0, 256, (images or batch * 200, channels, side, side), dtype=torch.uint8)
    held = Images(x, torch.randint(0, 10, (len(x),)), (0.5,) * channels, (0.25,) * channels, "cpu")
    training = Training(batch_size=batch, optimizer=Sgd(lr=0.01), flip=augment, crop=4 if augment else 0)
    model = build(spec, channels, side, side, 10, 0).to(memory_format=torch.channels_last)
    rng = np.random.default_rng(0)
    mask = Mask({n: rng.random(tuple(p.shape)) < density for n, p in prunable(model).items()})
    return Stepper(model, AppliedMask(model, mask), training), Batches(held, training, 0, 0)


def our_steps(spec: ModelSpec, channels: int, side: int, augment: bool, batch: int, density: float):
    """The lab's own loop, as an iterator of steps."""
    stepper, batches = prepared(spec, channels, side, augment, batch, density)
    return train(stepper, batches, start=0, stop=10**9, total=10**9)


def bare_steps(spec: ModelSpec, channels: int, side: int, batch: int):
    """The least that a training step can be, with torch's default SGD."""
    model = build(spec, channels, side, side, 10, 0).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    x = torch.randn(batch, channels, side, side).to(memory_format=torch.channels_last)
    y = torch.randint(0, 10, (batch,))
    while True:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        yield


def alternate(first, second, block: int, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds a step of two iterators, block by block, after one block of warm-up each."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for steps, seconds in zip((first, second) if number % 2 else (second, first),
                                  times if number % 2 else times[::-1], strict=True):
            began = time.perf_counter()
            for _ in itertools.islice(steps, block):
                pass
            if number:
                seconds.append((time.perf_counter() - began) / block)
    return times


if __name__ == "__main__":
    main()
