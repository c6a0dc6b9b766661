"""The line between two networks from files against a naive loop over torch's own modules."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.core.errors import BadInput
from lth_engine.diagnosis.barrier_between import barrier
from lth_engine.diagnosis.batch_file import Batch
from lth_engine.diagnosis.from_start import from_start
from lth_engine.specs.models import CifarResnet, Vgg
from tests.diagnosis.brought import LENET, come, images

RESNET = CifarResnet(depth=8, width=4)


@torch.no_grad()
def naive(first: nn.Module, second: nn.Module, batch: Batch, points: int,
          recalibrate: Batch | None = None) -> tuple[list[float], list[float]]:
    """Errors and losses, one network a point; statistics by torch's own cumulative average (momentum None)."""
    errors, losses = [], []
    for number in range(points):
        share = number / (points - 1)
        model = copy.deepcopy(first)
        ends = [network.state_dict() for network in (first, second)]
        model.load_state_dict({name: ((1 - share) * value.double() + share * ends[1][name].double()).to(value.dtype)
                               for name, value in ends[0].items()})
        if recalibrate is not None:
            for module in model.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.reset_running_stats()
                    module.momentum = None
                    module.train()
            model(recalibrate.x)
        logits = model.eval()(batch.x)
        errors.append(float((logits.argmax(dim=1) != batch.y).double().mean()))
        losses.append(float(F.cross_entropy(logits, batch.y)))
    return errors, losses


@pytest.mark.parametrize("recalibrated", [False, True])
def test_the_curve_is_that_of_a_naive_loop(recalibrated: bool) -> None:
    first, second = come(RESNET, 3, 0), come(RESNET, 3, 1, density=0.5)
    batch, shown = images(50, 3), images(64, 3, seed=5) if recalibrated else None
    errors, losses = naive(first.model, second.model, batch, 7, shown)
    found = barrier(first, second, batch, 7, shown)
    np.testing.assert_allclose(found["errors"], errors, atol=0.021)  # one image of 50 may change its class
    np.testing.assert_allclose(found["losses"], losses, rtol=1e-4)
    assert found["barrier"] == pytest.approx(max(found["errors"]) - (found["errors"][0] + found["errors"][-1]) / 2)
    assert found["loss_barrier"] == pytest.approx(max(losses) - (losses[0] + losses[-1]) / 2, rel=1e-3)
    assert found["alpha"] == pytest.approx(np.linspace(0, 1, 7))
    assert found["norm_statistics"] == ("recalibrated" if recalibrated else "interpolated")


def test_statistics_of_many_images_are_a_cumulative_average_in_their_order() -> None:
    first, second = come(RESNET, 3, 0), come(RESNET, 3, 1)
    shown = images(2500, 3, seed=5)
    assert [len(part) for part in shown.parts] == [1000, 1000, 500]
    found = barrier(first, second, images(40, 3), 2, shown)
    norm = next(m for m in first.model.modules() if isinstance(m, nn.BatchNorm2d))
    outputs: list[torch.Tensor] = []
    hook = norm.register_forward_pre_hook(lambda layer, given: outputs.append(given[0]))
    with torch.no_grad():
        first.model(shown.x)
    hook.remove()
    torch.testing.assert_close(norm.running_mean, outputs[0].mean(dim=(0, 2, 3)), rtol=1e-4, atol=1e-5)
    assert len(found["errors"]) == 2


def test_a_line_from_a_network_to_itself_is_flat() -> None:
    found = barrier(come(LENET, 1), come(LENET, 1), images(30, 1), 5)
    assert found["barrier"] == 0
    assert len(set(found["losses"])) == 1


def test_what_has_no_line() -> None:
    with pytest.raises(BadInput, match="one architecture"):
        barrier(come(LENET, 3), come(RESNET, 3), images(4, 3))
    with pytest.raises(BadInput, match="takes images of 3 channels"):
        barrier(come(RESNET, 3), come(RESNET, 3, 1), images(4, 1))
    with pytest.raises(BadInput, match="takes images of 3 channels"):
        barrier(come(RESNET, 3), come(RESNET, 3, 1), images(4, 3), 3, images(4, 1))


def test_equal_shapes_are_not_one_architecture() -> None:
    """A VGG that averages the last pixels and one that pools a fifth time have the same tensors."""
    ends = [come(Vgg(depth=11, width=2, last_pool=pool), 3, size=32) for pool in ("average", "max")]
    with pytest.raises(BadInput, match="differ in last_pool average and max"):
        barrier(*ends, images(4, 3))
    with pytest.raises(BadInput, match="differ in last_pool"):
        from_start(*ends)
