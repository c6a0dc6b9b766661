"""Neural variable risk minimisation (Xie et al. 2021), restricted to kept weights.

After every step the noise on the weights is replaced by a new draw from N(0, b^2), so that gradients, weight decay and
momentum see noisy weights; the first step of an epoch sees none. Each draw comes from its step's own seed, so that a
run that was stopped goes on with the same noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from lth_engine.core.seeds import derive
from lth_engine.masking.applied import AppliedMask
from lth_engine.specs.flatness import Nvrm
from lth_engine.training.flatness.plain import Plain


def build(spec: Nvrm, model: nn.Module, mask: AppliedMask, seed: int) -> Plain:
    """NVRM on all parameters; pruned weights get no noise."""
    return _Nvrm(spec.scale, model, mask, seed)


class _Nvrm(Plain):
    def __init__(self, scale: float, model: nn.Module, mask: AppliedMask, seed: int) -> None:
        self.scale, self.mask, self.seed = scale, mask, seed
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.noise: list[torch.Tensor] = []

    @torch.no_grad()
    def after(self, step: int, steps_per_epoch: int) -> None:
        """See :meth:`Plain.after`: the old noise goes, and a new draw comes unless an epoch ended."""
        if self.noise:
            torch._foreach_sub_(self.parameters, self.noise)
        self.noise = self._draw(step) if step % steps_per_epoch else []
        if self.noise:
            torch._foreach_add_(self.parameters, self.noise)
        self.mask.apply()

    @contextmanager
    def clean(self) -> Iterator[None]:
        """See :meth:`Plain.clean`; the noisy weights are put back bit for bit."""
        if not self.noise:
            yield
            return
        noisy = [p.detach().clone() for p in self.parameters]
        with torch.no_grad():
            torch._foreach_sub_(self.parameters, self.noise)
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(self.parameters, noisy)

    def resume(self, step: int, steps_per_epoch: int) -> None:
        """See :meth:`Plain.resume`: the noise that is in the restored weights is drawn again."""
        self.noise = self._draw(step) if step % steps_per_epoch else []

    def _draw(self, step: int) -> list[torch.Tensor]:
        device = self.parameters[0].device
        draw = torch.Generator(device).manual_seed(derive(self.seed, "nvrm", step))
        noise = [torch.empty_like(p).normal_(std=self.scale, generator=draw) for p in self.parameters]
        self.mask.apply_like(noise, self.parameters)
        return noise
