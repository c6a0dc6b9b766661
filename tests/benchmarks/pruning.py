"""Pruning the 15 million weights of a VGG-16 to a level, beside one sort of as many numbers.

A sort is what a threshold by order costs at first thought; the lab selects instead. The weights are those of a fresh
network: scores, selection and the new mask, as a level of a search makes them.
"""

from __future__ import annotations

import statistics
import time

import torch

from lth_engine.masking.prunable import prunable
from lth_engine.masking.prune import prune_to_level
from lth_engine.models.build import build
from lth_engine.scorers.magnitude import score
from lth_engine.specs.finding import Imp
from lth_engine.specs.models import Vgg
from lth_engine.specs.scorers import Magnitude


def main(rounds: int = 5) -> None:
    """Print seconds of both, and their ratio."""
    model = build(Vgg(depth=16), 3, 32, 32, 10, 0)
    weights = {name: p.detach() for name, p in prunable(model).items()}
    allowed = {name: torch.ones_like(w, dtype=torch.bool) for name, w in weights.items()}
    count = sum(w.numel() for w in weights.values())
    flat = torch.cat([w.abs().reshape(-1) for w in weights.values()])
    print(f"{count:,} weights, {torch.get_num_threads()} threads, median of {rounds}")
    sorting = statistics.median(seconds(lambda: flat.sort()) for _ in range(rounds))
    for level in (1, 10, 20):
        ours = statistics.median(seconds(lambda level=level: prune_to_level(
            Imp(), level, score(Magnitude(), weights, 0), allowed)) for _ in range(rounds))
        print(f"level {level:2}: {ours:.3f} s; a sort {sorting:.3f} s; ratio {ours / sorting:.2f}")


def seconds(work) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
