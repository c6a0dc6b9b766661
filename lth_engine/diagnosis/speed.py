"""Whether a sparse network runs faster: measured time of dense kernels, operations if zeros were free, and bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import nn

from lth_engine.diagnosis.anatomy import Anatomy, lay_out
from lth_engine.diagnosis.card import strictly
from lth_engine.diagnosis.findings.finding import percent
from lth_engine.diagnosis.findings.zero_filters import empty_columns, empty_rows
from lth_engine.diagnosis.opened import opened
from lth_engine.diagnosis.sizes import sizes
from lth_engine.importing.network import network
from lth_engine.training.flops import forward_flops, sparse_flops

BATCHES = (1, 64)
"""One image, as where an answer is waited for, and a batch, as where many are classified."""

LEAST, MOST = 5, 50
"""Passes that are timed."""

SECONDS = 2.0
"""Time after which no further pass of a batch is begun, once LEAST are done."""

LONG = 10.0
"""Time after which no further pass is begun, however few are done."""

WARM = 2
"""Passes before those that are timed; one, if it takes SECONDS."""

SENTENCE = "Zeros at single places do not speed up dense kernels: this machine multiplies them as any number, so " \
           "the sparse network takes as long as the dense one. Only cutting out whole filters, or special kernels " \
           "and hardware, would."
"""Said with every measurement."""


def speed(files: list[Path], arguments: Mapping[str, Any], emit: Callable[[dict[str, Any]], None],
          out: BinaryIO | None) -> dict[str, Any]:
    """Time, operations and bytes of a clean copy.

    Args:
        files: one clean copy.
        arguments: "threads" of the measurement, 1 if it is not there.
        emit: gets {"stage": ...}.
        out: unused.

    Returns:
        "times": a list of batch, median, low, high (seconds; quartiles), passes, images_per_second; "threads";
        "flops_dense", "flops_sparse" of one image, and "flops_filters", with empty filters and unread inputs cut out;
        "bytes": raw, zipped, estimated, packed, sparse_rows; "sentence"; "reason" why there are no times, or "".
    """
    anatomy = lay_out(opened(files[0]))
    emit({"stage": "counting bytes"})
    answer: dict[str, Any] = {"bytes": vars(sizes(anatomy)), "times": [], "threads": None, "flops_dense": None,
                              "flops_sparse": None, "flops_filters": None, "sentence": _sentence(anatomy),
                              "reason": ""}
    known = anatomy.checkpoint.architecture
    if known is None:
        answer["reason"] = "Without a known architecture there is nothing to run: bytes only."
    else:
        emit({"stage": "measuring"})
        model, _ = network(anatomy.checkpoint)
        shape = (known.channels, known.height, known.width)
        threads = max(1, int(arguments.get("threads", 1)))
        answer |= {"threads": threads, "times": timed(model, shape, threads), **_operations(anatomy, model, shape)}
    strict: dict[str, Any] = strictly(answer)
    return strict


def timed(model: nn.Module, shape: tuple[int, int, int], threads: int,
          clock: Callable[[], float] = time.perf_counter) -> list[dict[str, Any]]:
    """Seconds of a forward pass without gradients, for each of BATCHES.

    Args:
        model: in evaluation mode.
        shape: (channels, height, width) of an image.
        threads: of torch.
        clock: seconds.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return [_timed(model, torch.zeros(batch, *shape), clock) for batch in BATCHES]
    finally:
        torch.set_num_threads(before)


@torch.inference_mode()
def _timed(model: nn.Module, images: torch.Tensor, clock: Callable[[], float]) -> dict[str, Any]:
    images = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    for _ in range(WARM):
        if _pass(model, images, clock) > SECONDS:
            break
    found: list[float] = []
    while not found or (sum(found) < LONG and (len(found) < LEAST or (len(found) < MOST and sum(found) < SECONDS))):
        found.append(_pass(model, images, clock))
    low, median, high = (float(value) for value in np.quantile(found, (0.25, 0.5, 0.75)))
    return {"batch": len(images), "median": median, "low": low, "high": high, "passes": len(found),
            "images_per_second": len(images) / median if median > 0 else None}


def _pass(model: nn.Module, images: torch.Tensor, clock: Callable[[], float]) -> float:
    start = clock()
    model(images)
    return clock() - start


def _operations(anatomy: Anatomy, model: nn.Module, shape: tuple[int, int, int]) -> dict[str, float]:
    """Operations of one image: dense, if zeros were free, and with whole filters and inputs cut out."""
    known = anatomy.checkpoint.architecture
    names = known.renaming if known is not None else {}
    counts = forward_flops(model, *shape)
    layers = {names.get(layer.name, layer.name): layer for layer in anatomy.prunable}
    density = {name: layer.density for name, layer in layers.items()}
    left = {name: float((~empty_rows(layer)).double().mean() * (~empty_columns(layer)).double().mean())
            for name, layer in layers.items()}
    return {"flops_dense": sum(counts.values()), "flops_sparse": sparse_flops(counts, density),
            "flops_filters": sparse_flops(counts, left)}


def _sentence(anatomy: Anatomy) -> str:
    if not anatomy.sparse or anatomy.density is None:
        return "Nothing is pruned, so the dense network is all there is to run."
    return f"{percent(1 - anatomy.density)} of the weights are zeros. {SENTENCE}"
