"""Loss and error on a grid around a network: one network on the device, its weights moved from point to point."""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch

from lth_engine.analysis.curvature.at_network import network_at
from lth_engine.analysis.curvature.coordinates import Coordinates
from lth_engine.analysis.curvature.lanczos import gaussian
from lth_engine.analysis.landscapes.directions import Direction, length, orthogonal, scaled
from lth_engine.analysis.landscapes.plane import Plane
from lth_engine.analysis.shown_again import shown_again
from lth_engine.core.artifact import Answer, Array, Inputs, Scalar
from lth_engine.core.errors import BadInput, NonFinite
from lth_engine.core.meter import Meter
from lth_engine.core.saving import Saving, State
from lth_engine.core.seeds import derive
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.specs.landscapes import Landscape
from lth_engine.training.evaluate import evaluate

_FORM = "landscape 1"


def answer(question: Landscape, inputs: Inputs, bench: Workbench) -> Answer:
    """Loss and error at every point of the grid.

    Arrays: x (P, in steps of a direction, 0 in the middle), y (P, with two dimensions), loss (nats) and error
    (fraction), P or P x P with [y, x]. Far away the loss may be infinite or NaN; there it is kept as it is, and
    loss_highest is the highest finite one. The summary's length is that of a step of 1 in x, in weight space.

    Raises:
        Cancelled: the user asked to stop; the points measured so far are in the checkpoint.
        NonFinite: the loss of the network itself is not finite.
        BadInput: nothing can be moved along a direction; as :func:`network_at` and :class:`Coordinates`.
    """
    model, mask, images = network_at(question, inputs, bench)
    coordinates = Coordinates(model, mask, question)
    directions = _directions(question, coordinates, inputs)
    grid = _Grid(question, bench, len(images))
    shown, = shown_again([images], grid.saw)
    with Plane(coordinates.parameters, directions) as plane, Saving(bench, grid.state, _FORM) as saving:
        grid.resume(saving.load())
        middle = evaluate(model, shown)
        if not math.isfinite(middle.loss):
            raise NonFinite(f"A landscape needs a network with a finite loss in its middle, but the loss is "
                            f"{middle.loss} there: look at a run with a lower learning rate.")
        while grid.done < len(grid.values):
            place = grid.begin()
            plane.put(*place)
            score = evaluate(model, shown) if any(place) else middle
            grid.add(score.loss, score.error)
            saving.now_and_then()
    return Answer(grid.arrays(), _summary(grid.values) | {
        "loss_middle": middle.loss, "error_middle": middle.error, "images": len(images), "size": coordinates.size,
        "length": length(directions[0])})


def _directions(question: Landscape, coordinates: Coordinates, inputs: Inputs) -> list[Direction]:
    """One direction a dimension, orthogonal and scaled; 0 at what may not move."""
    weights = [p.detach() for p in coordinates.parameters]
    found: list[Direction] = []
    for number in range(question.dimensions):
        raw = (_random if question.directions == "random" else _eigenvector)(question, coordinates, inputs, number)
        found.append(orthogonal(raw, found[0], weights, question.scale) if found
                     else scaled(raw, weights, question.scale))
    return found


def _random(question: Landscape, coordinates: Coordinates, inputs: Inputs, number: int) -> Direction:
    own = coordinates.parameters[0]
    like = torch.empty(coordinates.size, device=own.device, dtype=own.dtype)
    return coordinates.spread(gaussian(like, derive(question.seed, "direction", number)))


def _eigenvector(question: Landscape, coordinates: Coordinates, inputs: Inputs, number: int) -> Direction:
    vector = inputs[question.eigenpairs().key].group(f"vector{number}")
    if not vector:
        raise BadInput(f"Directions along {question.dimensions} eigenvectors need as many weights that may move. Got "
                       f"{coordinates.size}: choose dimensions = 1, or let more weights move.")
    return [torch.empty_like(p.detach()).copy_(torch.tensor(vector[name]))
            for name, p in zip(coordinates.layers, coordinates.parameters, strict=True)]


class _Grid:
    """Loss and error, a point at a time: row by row, x within y."""

    def __init__(self, question: Landscape, bench: Workbench, images: int) -> None:
        half = question.points // 2
        self.axis = question.radius * np.arange(-half, half + 1) / half
        self.shape = (question.points,) * question.dimensions
        self.values = np.full((math.prod(self.shape), 2), np.nan)
        self.done = self._saw = 0
        self._bench, self._images, self._meter = bench, images, Meter(self._report)
        self._places = [place[::-1] for place in itertools.product(self.axis.tolist(), repeat=question.dimensions)]

    def begin(self) -> tuple[float, ...]:
        """(x) or (x, y) of the next point, which is about to be measured."""
        self._saw = 0
        return self._places[self.done]

    def add(self, loss: float, error: float) -> None:
        """The next point is measured."""
        self.values[self.done] = loss, error
        self.done += 1

    def saw(self, images: int) -> None:
        """A batch of the point is about to be shown; raises Cancelled if the user asked to stop."""
        self._meter.tell()
        self._saw += images

    def _report(self) -> None:
        share = self.done + min(1, self._saw / self._images)
        self._bench.report(Progress(share, len(self.values), f"point {self.done + 1} of {len(self.values)}"))

    def arrays(self) -> dict[str, Array]:
        """The arrays of the answer; NaN where nothing is measured yet."""
        axes = dict.fromkeys(("x", "y")[:len(self.shape)], self.axis)
        return axes | {name: self.values[:, i].reshape(self.shape).copy() for i, name in enumerate(("loss", "error"))}

    def state(self) -> State:
        """What :meth:`resume` needs, and what a page shows meanwhile."""
        return self.arrays() | {"curve": self.values.copy()}, {"done": self.done}

    def resume(self, saved: State | None) -> None:
        """Go on from what :meth:`state` gave."""
        if saved is not None:
            self.values, self.done = saved[0]["curve"].copy(), int(saved[1]["done"] or 0)


def _summary(values: Array) -> dict[str, Scalar]:
    finite = np.isfinite(values[:, 0])
    return {"loss_highest": float(values[finite, 0].max()), "error_highest": float(values[:, 1].max()),
            "not_finite": int((~finite).sum()), "points": len(values)}
