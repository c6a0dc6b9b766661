"""Curvature: a product with the Hessian against a bare one, and a trace against PyHessian's, side by side in one run.

Bare is torch.autograd.grad through a retained graph of the network as it is. Ours is a flat vector in, a flat vector
out, restricted to kept weights. Both traces are of the same ticket on the same batch: ours by the question's default,
to a standard error of 5%; PyHessian's own trace() by plain Hutchinson, for as many samples as its samples' deviation
needs for 5%, and where it stops by its own rule. The small network's trace is known from a product with every unit
vector.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from lth_engine.analysis import hessian_trace
from lth_engine.analysis.curvature.at_network import Drawn
from lth_engine.analysis.curvature.coordinates import Coordinates
from lth_engine.analysis.curvature.hessian import Hessian
from lth_engine.analysis.pyhessian_opinion import opinion
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Workbench
from lth_engine.data.image_set import load
from lth_engine.masking.applied import AppliedMask
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.curvature import HessianTrace
from lth_engine.specs.data import Digits
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.training.batches import Images

QUESTION = HessianTrace()
ROUNDS = 5
SEEDS = 20
PROBES = 12
"""Samples of PyHessian's on the large network, from which its time to the error is told."""


def main() -> None:
    """Print products, memory, and times to 5%."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {device}")
    large = trained(CifarResnet(depth=20), patterns(512, device), 40, device)
    products(*large)
    memory(*large)
    beside(*large)
    digits = Drawn(digit_images(device), 512)
    for name, spec in (("LeNet 30-20", Lenet300100(first=30, second=20)), ("ResNet-8", CifarResnet(depth=8, width=4))):
        known(name, *trained(spec, digits, 200, device))


def products(model, mask, images) -> None:
    """A product of ours, a bare one on a retained graph, one whose graph is rebuilt, and a gradient; alternating."""
    x, y = next(iter(images.in_chunks(len(images))))
    parameters = list(model.parameters())

    def gradient(graph: bool):
        return torch.autograd.grad(F.cross_entropy(model(x), y), parameters, create_graph=graph)

    with Hessian(model, mask, QUESTION, images) as hessian:
        vector = torch.randn(hessian.size, device=hessian.device)
        spread = hessian._coordinates.spread(vector)
        bare = gradient(True)
        works = {"ours": lambda: hessian.matvec(vector),
                 "bare, retained": lambda: torch.autograd.grad(bare, parameters, spread, retain_graph=True),
                 "bare, rebuilt": lambda: torch.autograd.grad(gradient(True), parameters, spread),
                 "gradient": lambda: gradient(False)}
        seconds = {name: [] for name in works}
        for _ in range(ROUNDS + 1):
            for name, work in works.items():
                seconds[name].append(timed(work))
    middle = {name: statistics.median(found[1:]) for name, found in seconds.items()}
    ratio = statistics.median(a / b for a, b in zip(seconds["ours"][1:], seconds["bare, retained"][1:], strict=True))
    print(f"ResNet-20, {len(images)} images of 32 x 32, a product: "
          + ", ".join(f"{name} {value:.3f} s" for name, value in middle.items())
          + f"; ours / bare retained {ratio:.2f} (goal: at most 1.05)", flush=True)


def memory(model, mask, images) -> None:
    """Growth of the process over 50 products, after 5, on an eighth of the images."""
    part = Drawn(images.images, len(images) // 8)
    with Hessian(model, mask, QUESTION, part) as hessian:
        vector = torch.randn(hessian.size, device=hessian.device)
        for count in (5, 50):
            for _ in range(count):
                hessian.matvec(vector)
            if count == 5:
                before = resident()
    print(f"memory over 50 products: {(resident() - before) / 2**20:+.1f} MiB", flush=True)


def beside(model, mask, images) -> None:
    """Seconds to a standard error of 5% on the large network: ours measured, PyHessian's from its first samples."""
    with Hessian(model, mask, QUESTION, images):
        pass  # warm
    seconds, found, estimator = ours(model, mask, images, 0)
    coordinates = Coordinates(model, mask, QUESTION)
    began = time.perf_counter()
    with opinion(model, coordinates, images, 0) as theirs:
        built = time.perf_counter() - began
        began = time.perf_counter()
        samples = theirs.trace(maxIter=PROBES, tol=0.0)
        each = (time.perf_counter() - began) / len(samples)
    needed = (np.std(samples, ddof=1) / (0.05 * found.trace)) ** 2
    total = built + needed * each
    print(f"ResNet-20, {len(images)} images: ours {found.trace:.1f} +- {found.stderr:.1f} in {seconds:.1f} s, "
          f"{estimator.products} products; PyHessian {np.mean(samples):.1f}, deviation {np.std(samples, ddof=1):.1f} "
          f"a sample, so {needed:.0f} samples of {each:.2f} s, {total:.1f} s; ours / PyHessian {seconds / total:.2f} "
          "(goal: at most 0.33)", flush=True)


def known(name: str, model, mask, images) -> None:
    """Errors of both against the true trace over seeds, and times to 5%."""
    with Hessian(model, mask, QUESTION, images) as hessian:
        truth = sum(hessian.matvec(part.t()).diagonal(offset=-start).sum().item() for start, part in (
            (start, torch.eye(hessian.size, device=hessian.device)[start:start + 64])
            for start in range(0, hessian.size, 64)))
        size = hessian.size
    mine = [ours(model, mask, images, seed) for seed in range(SEEDS)]
    covered = sum(low <= truth <= high for low, high in (found.interval for _, found, _ in mine))
    errors = [found.trace / truth - 1 for _, found, _ in mine]
    its, stopped = pyhessian(model, mask, images, truth)
    print(f"{name}, {size} coordinates, trace {truth:.2f}: ours {statistics.mean(s for s, _, _ in mine):.2f} s, "
          f"{statistics.mean(e.products for _, _, e in mine):.0f} products, error {rms(errors):.1%} (rms of {SEEDS}), "
          f"{covered} of {SEEDS} intervals cover it; PyHessian {its[0]:.2f} s, {its[1]} samples, error {its[2]:+.1%}; "
          f"ours / PyHessian {statistics.mean(s for s, _, _ in mine) / its[0]:.2f} (goal: at most 0.33); "
          f"by its own rule {stopped[0]} samples, error {stopped[1]:.1%} (rms of {SEEDS // 4})", flush=True)


def ours(model, mask, images, seed: int):
    """Seconds, estimate and estimator of the question's default, the gradient's graph included."""
    question = QUESTION.replace(seed=seed)
    began = time.perf_counter()
    with Hessian(model, mask, question, images) as hessian:
        trail = hessian_trace.Trail(question, hessian_trace.estimator(question, hessian), Workbench(Path()))
        found = trail.follow()
    return time.perf_counter() - began, found, trail.estimator


def pyhessian(model, mask, images, truth: float):
    """(Seconds, samples, error) of its trace() for the samples that 5% takes; (samples, rms error) by its own rule."""
    coordinates = Coordinates(model, mask, QUESTION)
    with opinion(model, coordinates, images, 1000) as theirs:
        deviation = np.std(theirs.trace(maxIter=40, tol=0.0), ddof=1)
    needed = int(np.ceil((deviation / (0.05 * truth)) ** 2))
    began = time.perf_counter()
    with opinion(model, coordinates, images, 0) as theirs:
        error = np.mean(theirs.trace(maxIter=needed, tol=0.0)) / truth - 1
    seconds = time.perf_counter() - began
    ended = []
    for seed in range(SEEDS // 4):
        with opinion(model, coordinates, images, seed) as theirs:
            ended.append(theirs.trace())
    count = round(np.mean([len(samples) for samples in ended]))
    return (seconds, needed, error), (count, rms(np.mean(samples) / truth - 1 for samples in ended))


def trained(spec, images: Drawn, steps: int, device: str):
    """A network of which half is pruned, after some steps on these images; its mask, and the images."""
    channels, side = images.images.x_shape[:2]
    model = build(spec, channels, side, side, 10, 0).to(device=device, memory_format=torch.channels_last)
    rng = np.random.default_rng(0)
    mask = Mask({name: rng.random(tuple(p.shape)) < 0.5 for name, p in prunable(model).items()})
    applied = AppliedMask(model, mask)
    applied.apply()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _, (x, y) in zip(range(steps), batches(images), strict=False):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        applied.apply()
    return model.eval(), mask, images


def batches(images: Drawn):
    """Batches of 64 or fewer, for ever."""
    while True:
        yield from images.in_chunks(64)


def patterns(count: int, device: str) -> Drawn:
    """Images of 32 x 32: ten patterns under noise, so that a network learns them in a few steps."""
    rng = np.random.default_rng(0)
    y = np.arange(count) % 10
    x = rng.uniform(60, 195, (10, 3, 32, 32))[y] + rng.normal(0, 60, (count, 3, 32, 32))
    held = Images(torch.tensor(x.clip(0, 255).astype(np.uint8)), torch.tensor(y), (0.5,) * 3, (0.25,) * 3, device)
    return Drawn(held)


def digit_images(device: str) -> Images:
    """The training part of the digits."""
    found = load(Digits(), Path())
    return Images(found.train_x, found.train_y, found.mean, found.std, device)


def timed(work) -> float:
    """Seconds that it takes, to the end of what it started on a device."""
    synchronise()
    began = time.perf_counter()
    work()
    synchronise()
    return time.perf_counter() - began


def synchronise() -> None:
    """Wait for the GPU, if there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def rms(values) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(np.square(list(values)))))


def resident() -> int:
    """Bytes of this process in memory."""
    if sys.platform != "linux":
        return 0
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) * 1024
