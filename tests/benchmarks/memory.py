"""Peak memory of our training beside the bare loop on the same network and images, each in a process of its own.

Both hold 50,000 images of CIFAR-10's size as uint8; the bare loop normalises a batch and does nothing else with it.
The peak is what the operating system counts (resident set), libraries included; without the libraries is that less the
memory of a process that has loaded the same libraries.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet, Vgg
from lth_engine.training.loop import train
from tests.benchmarks.training_step import prepared

NETWORKS = {"ResNet-20": (CifarResnet(), 128), "VGG-16": (Vgg(depth=16), 64)}
STEPS = 6


def main() -> None:
    """Print one line a network."""
    base = peak("nothing", "ResNet-20")
    print(f"libraries alone {base} MiB; {STEPS} steps")
    for name in NETWORKS:
        ours, bare = peak("ours", name), peak("bare", name)
        print(f"{name:10} ours {ours} MiB, bare {bare} MiB, ratio {ours / bare:.2f}; "
              f"without libraries {(ours - base) / (bare - base):.2f}")


def peak(what: str, name: str) -> int:
    """Peak memory in MiB of a process that trains."""
    command = [sys.executable, "-m", "tests.benchmarks.memory", what, name]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def work(what: str, name: str) -> None:
    """Train as `what` says, and print this process's peak in MiB."""
    spec, batch = NETWORKS[name]
    if what == "ours":
        stepper, batches = prepared(spec, 3, 32, True, batch, 0.2, images=50_000)
        for _ in train(stepper, batches, start=0, stop=STEPS, total=STEPS):
            pass
    elif what == "bare":
        bare(spec, batch)
    print(high_water())


def high_water() -> int:
    """Peak resident memory of this process in MiB, from /proc: getrusage begins at the peak of the parent."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024


def bare(spec, batch: int) -> None:
    """The bare loop over images in memory."""
    images = torch.randint(0, 256, (50_000, 32, 32, 3), dtype=torch.uint8)
    model = build(spec, 3, 32, 32, 10, 0).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    for step in range(STEPS):
        x = images[step * batch:(step + 1) * batch].permute(0, 3, 1, 2).float().div_(255)
        optimizer.zero_grad()
        F.cross_entropy(model(x), torch.randint(0, 10, (batch,))).backward()
        optimizer.step()


if __name__ == "__main__":
    work(*sys.argv[1:])
