"""The training loop: a generator of steps; whoever calls it records, saves and stops.

Nothing in it waits for the device, except the look at the loss that stops a run which became NaN: on a CPU it is free,
so every step is looked at; on a GPU every tenth.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.core.errors import LotteryError
from lth_engine.masking.applied import AppliedMask
from lth_engine.specs.training import OptimizerSpec, Training
from lth_engine.training.autopsy import not_finite
from lth_engine.training.batches import Batches

_LOOK_EVERY_ON_GPU = 10
"""Steps between two looks at the loss on a GPU, where a look waits for the device."""


@dataclass(frozen=True)
class StepDone:
    """One finished optimizer step.

    Attributes:
        step: number of steps done since the start of training, the rewind point's own included.
        loss: of the step's batch, a tensor of no dimension on the device.
        images: images in the batch.
    """

    step: int
    loss: torch.Tensor
    images: int


def make_optimizer(spec: OptimizerSpec, model: nn.Module) -> torch.optim.Optimizer:
    """The torch optimizer of a spec, over all parameters of the model."""
    module = importlib.import_module(f"{spec.package}.{spec.name}")
    return cast(torch.optim.Optimizer, module.build(spec, model.parameters()))


def train(model: nn.Module, batches: Batches, training: Training, optimizer: torch.optim.Optimizer,
          mask: AppliedMask, *, start: int, stop: int, total: int) -> Iterator[StepDone]:
    """Train from step `start` to step `stop` of a schedule of `total` steps.

    Pruned weights are zero after every step. The model is in training mode while a step runs.

    Raises:
        NonFinite: the loss became NaN or infinite; the weights are those before the step, the text names the layer.
    """
    device = batches.images.x.device
    look_every = 1 if device.type == "cpu" else _LOOK_EVERY_ON_GPU
    forward = torch.compile(model) if training.compile else model
    mask.apply()
    model.train()
    step = start
    while step < stop:
        epoch, within = divmod(step, batches.steps_per_epoch)
        for x, y in batches.epoch(epoch, within):
            rate = training.learning_rate(step, total, batches.steps_per_epoch)
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad(set_to_none=True)
            loss = _loss(forward, x, y, training, device)
            if step % look_every == 0 and not torch.isfinite(loss):
                raise not_finite(model, x, step, total, rate)
            loss.backward()
            optimizer.step()
            mask.apply()
            step += 1
            yield StepDone(step, loss.detach(), len(y))
            if not model.training:
                model.train()
            if step >= stop:
                return


def _loss(forward: nn.Module, x: torch.Tensor, y: torch.Tensor, training: Training,
          device: torch.device) -> torch.Tensor:
    if training.precision == "float32" and not training.compile:
        return F.cross_entropy(forward(x), y)
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=training.precision == "bfloat16"):
            return F.cross_entropy(forward(x).float(), y)
    except torch._dynamo.exc.BackendCompilerFailed as error:  # type: ignore[attr-defined]
        raise LotteryError("torch.compile could not build the network here (a C++ compiler such as g++ must be "
                           f"installed for a CPU). Install one or set training.compile to false. {error!s:.200}"
                           ) from error
