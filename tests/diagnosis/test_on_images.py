"""A network from a file on labelled images: what is reported is neither sorted by class nor what was guessed on."""

from __future__ import annotations

import copy

import pytest
import torch

from lth_engine.core.errors import BadInput
from lth_engine.diagnosis.barrier_between import barrier
from lth_engine.diagnosis.batch_file import Batch
from lth_engine.diagnosis.on_images import on_images
from lth_engine.specs.models import CifarResnet
from lth_engine.training.mixed import Mixed
from tests.diagnosis.brought import CLASSES, LENET, SIZE, come

NAMES = tuple(map(str, range(CLASSES)))
NO_STATISTICS = CifarResnet(depth=8, width=4, running_stats=False)


def by_class(count: int = 200) -> Batch:
    """Images class by class, each class with a brightness of its own, shown a class at a time."""
    draw = torch.Generator().manual_seed(0)
    y = torch.arange(CLASSES).repeat_interleave(count // CLASSES)
    x = torch.randn(count, 3, SIZE, SIZE, generator=draw) + 4.0 * y.view(-1, 1, 1, 1)
    batch = Batch(x, y, None, None, "batch.npz")
    batch.evaluation_batch = count // CLASSES
    return batch


@torch.no_grad()
def test_batch_statistics_are_those_of_mixed_images() -> None:
    batch, made = by_class(), come(NO_STATISTICS, 3)
    right = sum(int((made.model(batch.x[places]).argmax(dim=1) == batch.y[places]).sum())
                for places in Mixed(batch).parts)
    sorted_right = sum(int((made.model(x).argmax(dim=1) == y).sum()) for x, y in batch.in_order())
    assert right != sorted_right
    assert on_images(made, batch, NAMES)["accuracy"] == right / len(batch)
    along = barrier(copy.deepcopy(made), copy.deepcopy(made), batch, 2)
    assert along["errors"] == [pytest.approx(1 - right / len(batch))] * 2


def test_the_normalisation_is_guessed_on_other_images_than_are_reported() -> None:
    draw = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (40, 1, SIZE, SIZE), generator=draw, dtype=torch.uint8)
    batch = Batch(x, torch.arange(40) % CLASSES, None, None, "batch.npz")
    found = on_images(come(LENET, 1), batch, NAMES)
    used = found["normalisation"]
    assert (found["images"], used["guessed_on"], used["held_out"]) == (30, 10, 10)
    own = next(one for one in used["tried"] if one["name"] == "own")
    assert own is used["tried"][0]
    aside = Batch(x[:8], batch.y[:8], None, None, "batch.npz")
    found = on_images(come(LENET, 1), batch, NAMES, aside)
    assert (found["images"], found["normalisation"]["guessed_on"], found["normalisation"]["held_out"]) == (40, 8, 0)
    with pytest.raises(BadInput, match="the one image"):
        on_images(come(LENET, 1), Batch(x[:1], batch.y[:1], None, None, "batch.npz"), NAMES)
