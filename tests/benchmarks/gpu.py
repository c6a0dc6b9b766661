"""Training throughput on a GPU: by network and batch size, alone and side by side, beside the bare loop.

For each: milliseconds a step and seconds an epoch of 51,200 images, the ratio to the bare loop (eager, one batch on
the device), the share of the peak rate that the network's own operations reach (the peak is that of a bf16 product of
8192 x 8192 matrices in the same run), and the share of time in which the GPU had nothing to do (from the profiler).
"""

from __future__ import annotations

import time

import numpy as np
import torch
import torch.nn.functional as F

from lth_engine.core.mask import Mask
from lth_engine.masking.applied import AppliedMask
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet, ModelSpec, Vgg
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.training import Training
from lth_engine.training.batches import Batches, Images
from lth_engine.training.captured import Captured
from lth_engine.training.flops import TRAINING_FACTOR, forward_flops
from lth_engine.training.loop import train
from lth_engine.training.stepper import Stepper

CASES = ((CifarResnet(), 128, False), (CifarResnet(), 512, False), (CifarResnet(), 512, True),
         (Vgg(depth=16), 512, False))
"""Network, batch size, torch.compile."""

EPOCH = 51_200
"""Images: whole batches of every size above, so that no other size is recorded or compiled while the clock runs."""


def main() -> None:
    """Print one line a case; on a machine without a GPU, say so."""
    if not torch.cuda.is_available():
        print("No NVIDIA GPU here: nothing was measured.")
        return
    peak = matrix_rate()
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name()}, matrix products {peak / 1e12:.0f} TFLOP/s")
    x = torch.randint(0, 256, (EPOCH, 3, 32, 32), dtype=torch.uint8)
    images = Images(x, torch.randint(0, 10, (EPOCH,)), (0.5,) * 3, (0.25,) * 3, "cuda")
    for spec, batch, compiled in CASES:
        training = Training(batch_size=batch, optimizer=Sgd(lr=0.01), flip=True, crop=4, precision="bfloat16",
                            compile=compiled)
        flops = TRAINING_FACTOR * batch * sum(forward_flops(build(spec, 3, 32, 32, 10, 0), 3, 32, 32).values())
        bare = seconds_a_round([bare_steps(spec, batch)])
        for count in (1, 2, 4, 8):
            ours = seconds_a_round([our_steps(spec, training, images, seed) for seed in range(count)])
            print(f"{spec.title} batch {batch} compile {compiled} side by side {count}: {1e3 * ours / count:.3f} ms a "
                  f"step, {ours / count * (EPOCH // batch):.3f} s an epoch and network, ours / bare "
                  f"{ours / count / bare:.2f}, {flops * count / ours / peak:.1%} of the peak", flush=True)
        steps = our_steps(spec, training, images, 0)
        print(f"  idle while training alone: {idle_share(steps):.1%}", flush=True)


def our_steps(spec: ModelSpec, training: Training, images: Images, seed: int):
    """The lab's own loop under a random mask."""
    model = build(spec, 3, 32, 32, 10, seed).to(device="cuda", memory_format=torch.channels_last)
    rng = np.random.default_rng(seed)
    mask = Mask({n: rng.random(tuple(p.shape)) < 0.2 for n, p in prunable(model).items()})
    stepper = Captured(Stepper(model, AppliedMask(model, mask, every_layer=True), training))
    return train(stepper, Batches(images, training, seed, 0), start=0, stop=10**9, total=10**9)


def bare_steps(spec: ModelSpec, batch: int):
    """One batch on the device, eager, in bf16."""
    model = build(spec, 3, 32, 32, 10, 0).to(device="cuda", memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, fused=True)
    x = torch.randn(batch, 3, 32, 32, device="cuda").to(memory_format=torch.channels_last)
    y = torch.randint(0, 10, (batch,), device="cuda")
    while True:
        optimizer.zero_grad()
        with torch.autocast("cuda", torch.bfloat16):
            loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        yield


def seconds_a_round(loops, warm_up: int = 10, rounds: int = 100) -> float:
    """Seconds in which every loop does one step, each on a stream of its own."""
    lanes = [torch.cuda.Stream() for _ in loops]
    torch.cuda.synchronize()  # networks and images were put there on the default stream
    for number in range(warm_up + rounds):
        if number == warm_up:
            torch.cuda.synchronize()
            began = time.perf_counter()
        for steps, lane in zip(loops, lanes, strict=True):
            with torch.cuda.stream(lane):
                next(steps)
    torch.cuda.synchronize()
    return (time.perf_counter() - began) / rounds


def idle_share(steps, count: int = 50) -> float:
    """Share of the time from the first kernel to the last in which none ran."""
    for _ in range(10):
        next(steps)
    torch.cuda.synchronize()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profiled:
        for _ in range(count):
            next(steps)
        torch.cuda.synchronize()
    spans = sorted((e.time_range.start, e.time_range.end) for e in profiled.events()
                   if e.device_type == torch.autograd.DeviceType.CUDA)
    busy, end = 0.0, spans[0][0]
    for first, last in spans:
        busy += max(0.0, last - max(first, end))
        end = max(end, last)
    return 1 - busy / (end - spans[0][0])


def matrix_rate(side: int = 8192, rounds: int = 20) -> float:
    """Operations a second of bf16 matrix products of random numbers."""
    a, b = (torch.randn(side, side, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    for _ in range(3):
        a @ b
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(rounds):
        a @ b
    torch.cuda.synchronize()
    return 2 * side**3 * rounds / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
