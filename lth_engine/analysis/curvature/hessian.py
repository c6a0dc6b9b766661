"""Products of the Hessian of the mean cross-entropy with vectors, exact and in one place for everything second-order.

The Hessian is P H P, P the projection onto the coordinates that may move: exactly what differentiation gives with the
mask inside the graph, since pruned weights are 0. The graph of the gradient is built once and kept, where it fits the
memory budget, so that a product costs one more backward pass through it and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.analysis.curvature.at_network import Drawn, takes_batch_statistics
from lth_engine.analysis.curvature.coordinates import Coordinates
from lth_engine.analysis.curvature.graph_memory import images_at_once
from lth_engine.analysis.curvature.twice_differentiable import TwiceDifferentiable
from lth_engine.core.artifact import Array
from lth_engine.core.errors import NonFinite
from lth_engine.core.mask import Mask
from lth_engine.objectives.plain_numbers import plain_numbers
from lth_engine.specs.curvature import AtNetwork


@dataclass(frozen=True)
class _Graph:
    """The gradient of one chunk's part of the mean loss, with the graph that made it."""

    loss: float
    gradient: list[torch.Tensor]


class Hessian:
    """The Hessian of the mean loss over some images, in the coordinates that may move; use as a context manager.

    Flat vectors are compact, (n,) or (n, k): see :class:`Coordinates`. It is computed in the model's own type
    (float32; tests take float64) without TF32; chunks of images are added in float64, each image counting the same.

    Attributes:
        size: coordinates that may move, n.
        layers: parameter name -> its slice of a flat vector.
        loss: mean cross-entropy in nats.
        gradient: its gradient, (n,), float64.
        products: vectors multiplied so far.
        retained: whether the graph is kept between products.

    Args:
        model: network with its weights, pruned ones 0, in evaluation mode; it is not changed.
        mask: the weights that are kept.
        question: which coordinates may move.
        images: what the loss is taken over. Where normalisation takes statistics of the batch, a batch is an
            evaluation batch of these, whatever the memory.
        graph_bytes: memory that the kept graph may take; None takes the device's default.

    Raises:
        UnknownName, BadInput: as :class:`Coordinates`; torch has no second derivative of a part of the network.
        NonFinite: the loss or its gradient is NaN or infinite.
    """

    def __init__(self, model: nn.Module, mask: Mask, question: AtNetwork, images: Drawn,
                 graph_bytes: int | None = None) -> None:
        self._model, self._images = model, images
        self._coordinates = Coordinates(model, mask, question)
        self.size, self.layers = self._coordinates.size, self._coordinates.layers
        self.products = 0
        device = images.y.device
        self._chunk = images_at_once(images, self._coordinates.parameters, self._graph, graph_bytes)
        self.retained = self._chunk >= len(images)
        if takes_batch_statistics(model):
            self._chunk = images.images.evaluation_batch
        self._kept: list[_Graph] = []
        loss, gradient = 0.0, torch.zeros(self.size, dtype=torch.float64, device=device)
        for graph in self._build():
            loss += graph.loss
            gradient += self._coordinates.gather([g.detach() for g in graph.gradient])
            if self.retained:
                self._kept.append(graph)
        if not (math.isfinite(loss) and gradient.isfinite().all()):
            raise NonFinite(f"The loss of this network is {loss:.3g} and its gradient {float(gradient.norm()):.3g} "
                            "long, so it has no curvature: train it with a lower learning rate, or look at another "
                            "run.")
        self.loss, self.gradient = loss, gradient

    @property
    def gradient_norm(self) -> float:
        """Length of the gradient in the coordinates that may move."""
        return float(self.gradient.norm())

    @property
    def device(self) -> torch.device:
        """Where vectors must be."""
        return self._images.y.device

    @property
    def dtype(self) -> torch.dtype:
        """The model's type, in which products are computed."""
        return self._coordinates.parameters[0].dtype

    def matvec(self, vectors: torch.Tensor) -> torch.Tensor:
        """H v for a vector (n,) or the columns of (n, k), of the same shape and type.

        Where the graph is not kept, it is built once for all columns.
        """
        columns = vectors.reshape(self.size, -1).t()
        directions = [self._coordinates.spread(column) for column in columns]
        total = torch.zeros(len(directions), self.size, dtype=torch.float64, device=self.device)
        for graph in self._kept if self.retained else self._build():
            for row, direction in zip(total, directions, strict=True):
                row += self._coordinates.gather(self._product(graph, direction))
        self.products += len(directions)
        return total.t().reshape(vectors.shape).to(vectors.dtype)

    def to_named(self, vector: torch.Tensor) -> dict[str, Array]:
        """A flat vector (n,) as arrays of the parameters' shapes by name; 0 at pruned coordinates."""
        return self._coordinates.to_named(vector)

    def close(self) -> None:
        """Let the graph go; no product can be had afterwards."""
        self._kept.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def _build(self) -> Iterator[_Graph]:
        """The graphs of all chunks, one after the other."""
        for x, y in self._images.in_chunks(self._chunk):
            yield self._graph(x, y)

    def _graph(self, x: torch.Tensor, y: torch.Tensor) -> _Graph:
        parameters = self._coordinates.parameters
        with plain_numbers():
            with TwiceDifferentiable():
                logits = self._model(x.to(parameters[0].dtype))
            loss = F.cross_entropy(logits, y, reduction="sum") / len(self._images)
            gradient = torch.autograd.grad(loss, parameters, create_graph=True, materialize_grads=True)
        return _Graph(loss.item(), list(gradient))

    def _product(self, graph: _Graph, direction: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """The chunk's part of H v, one tensor a parameter."""
        pairs = [(g, v) for g, v in zip(graph.gradient, direction, strict=True) if g.requires_grad]
        if not pairs:
            return tuple(torch.zeros_like(v) for v in direction)
        gradient, vector = zip(*pairs, strict=True)
        with plain_numbers():
            return torch.autograd.grad(gradient, self._coordinates.parameters, vector, retain_graph=True,
                                       materialize_grads=True)
