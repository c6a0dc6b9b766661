"""The memory that graphs of a gradient may take, and how many images fit into it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from lth_engine.analysis.curvature.at_network import Drawn

GRAPH_BYTES = 4 * 2**30
"""Memory that kept graphs may take on a CPU, by default: 512 images of ResNet-20 at 32 x 32 take 3 GiB. On a GPU it is
half of the memory that is free."""

CHUNK_BYTES = GRAPH_BYTES // 4
"""Memory of one graph among those that are built anew for each product."""

_PROBED = 8
"""Images that the memory of one is found from."""


def images_at_once(images: Drawn, parameters: Sequence[torch.Tensor], build: Callable[..., object],
                   graph_bytes: int | None = None) -> int:
    """Images whose graph is held at a time: all, or as many as fit :data:`CHUNK_BYTES` where all are too many.

    Args:
        images: what the loss is taken over.
        parameters: whose memory is there anyway.
        build: makes the graph of the gradient from images and labels, and returns something that holds it.
        graph_bytes: memory that all may take together; None takes the device's default.
    """
    budget = _budget(images.y.device) if graph_bytes is None else graph_bytes
    an_image = 0 if len(images) <= _PROBED else _bytes_of_an_image(images, parameters, build)
    return len(images) if an_image * len(images) <= budget else max(1, min(budget, CHUNK_BYTES) // an_image)


def _bytes_of_an_image(images: Drawn, parameters: Sequence[torch.Tensor], build: Callable[..., object]) -> int:
    """Memory that the graph of an image's gradient holds."""
    held: dict[int, int] = {}

    def seen(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes()
        return tensor

    x, y = next(iter(images.in_chunks(_PROBED)))
    with torch.autograd.graph.saved_tensors_hooks(seen, lambda tensor: tensor):
        graph = build(x, y)
    weights = sum(p.untyped_storage().nbytes() for p in parameters)
    del graph
    return max(1, (sum(held.values()) - weights) // len(x))


def _budget(device: torch.device) -> int:
    """Memory that a kept graph may take.

    On a GPU torch's cache is handed back first. What remains reserved then is in use, or belongs to recorded training
    steps: torch counts the latter as free, but lends it to nobody else.
    """
    if device.type == "cuda":
        torch.cuda.empty_cache()
        free, _ = torch.cuda.mem_get_info(device)
        return free // 2
    return GRAPH_BYTES
