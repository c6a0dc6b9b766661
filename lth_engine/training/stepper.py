"""One optimizer step of one network: everything between a batch and the next weights.

The same code runs on a CPU, and is captured into a CUDA graph on a GPU (see `captured`): it waits for nothing, and
what changes from step to step (learning rate, interpolation factor) is a tensor there.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.core.artifact import Array
from lth_engine.core.errors import LotteryError
from lth_engine.core.spec import Spec
from lth_engine.masking.applied import AppliedMask
from lth_engine.specs.training import Training
from lth_engine.training.flatness.plain import Plain
from lth_engine.training.norm_interpolation import NormInterpolation

Weights = Mapping[str, Array]


class Stepper:
    """The training step of `model` under `mask`.

    Args:
        model: the network, holding the weights that training starts from.
        mask: laid over its parameters.
        training: how to train.
        seed: of the noise of a step.
        anchor: the weights that the term of the loss compares with, if it names some.
    """

    def __init__(self, model: nn.Module, mask: AppliedMask, training: Training, seed: int = 0,
                 anchor: Weights | None = None) -> None:
        self.model, self.mask, self.training = model, mask, training
        self.device = next(model.parameters()).device
        self.optimizer = cast(torch.optim.Optimizer, _module(training.optimizer).build(
            training.optimizer, [p for p in model.parameters() if p.requires_grad]))
        self.anchors = [torch.empty_like(p) for p in mask.prunable] if training.term.anchor else []
        self.term = _module(training.term).build(training.term, mask.prunable, self.anchors)
        self.restart(seed, anchor)
        self.norms = NormInterpolation(model) if training.interpolate_norms else None
        self.alpha = torch.zeros((), device=self.device)
        self.forward = torch.compile(model) if training.compile else model

    def let_go(self) -> None:
        """Free what a step that failed left behind."""
        self.optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def restart(self, seed: int, anchor: Weights | None) -> None:
        """Begin anew, in place: forget the optimizer's state and take over another seed and anchor."""
        for slots in self.optimizer.state.values():
            for value in slots.values():
                if isinstance(value, torch.Tensor):
                    value.zero_()
        spec = self.training.flatness
        self.flatness = cast(Plain, _module(spec).build(spec, self.model, self.mask, seed))
        names = {id(p): name for name, p in self.model.named_parameters()}
        for held, p in zip(self.anchors, self.mask.prunable, strict=bool(self.anchors)):
            assert anchor is not None
            held.copy_(torch.tensor(anchor[names[id(p)]]))
        self.mask.apply_like(self.anchors, self.mask.prunable[:len(self.anchors)])

    def set_rate(self, rate: float) -> None:
        """Set the learning rate."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def __call__(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Move the weights by one step on a batch; returns the loss before it (a tensor of no dimension)."""
        loss = self.gradient(x, y)
        self.move()
        return loss

    def gradient(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Leave the gradient of the whole loss in `.grad`; returns the cross-entropy."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.flatness.gradient(lambda: self._pass(x, y))
        self.term()
        return loss

    def move(self) -> None:
        """Let the optimizer move the weights; pruned ones stay zero."""
        self.optimizer.step()
        self.mask.apply()

    def _pass(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self.norms is None:
            loss = self._loss(x, y)
            loss.backward()
            return loss.detach()
        with self.norms.at(self.alpha):
            loss = self._loss(x, y)
            loss.backward()
        return loss.detach()

    def _loss(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self.training.precision == "float32" and not self.training.compile:
            return F.cross_entropy(self.forward(x), y)
        try:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.training.precision == "bfloat16"):
                return F.cross_entropy(self.forward(x).float(), y)
        except torch._dynamo.exc.ShortenTraceback as error:  # type: ignore[attr-defined]
            raise not_compiled(self.device, error) from error


def not_compiled(device: torch.device, error: Exception) -> LotteryError:
    """The error for a network that torch.compile could not build: names what it needs on the device.

    Args:
        device: where the network is.
        error: what torch said. A missing Triton is no `BackendCompilerFailed`, as most other reasons are.
    """
    needs = ("Triton (the package triton), a C compiler such as gcc, and a GPU of compute capability 7.0 or more"
             if device.type == "cuda" else "a C++ compiler such as g++")
    return LotteryError(f"torch.compile could not build the network here: it needs {needs}. Install what is missing "
                        f"or set training.compile to false. {error!s:.200}")


def _module(spec: Spec) -> Any:
    return importlib.import_module(f"{spec.package}.{spec.name}")
