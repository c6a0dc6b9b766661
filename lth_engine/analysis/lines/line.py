"""The line between two networks, as one network on the device whose weights are set for each place on it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from lth_engine.core.artifact import Array


class Line:
    """Sets the weights of `model` to (1 - alpha) first + alpha second, in place.

    Parameters and floating buffers of every kind are interpolated; whole numbers (counters, indices) stay the model's
    own. Where a pruned weight is 0 at both ends it is 0 everywhere: the union of the two masks carries the line.

    Args:
        model: a network of the architecture, on the device.
        first: weights by name at alpha 0; pruned ones are 0. It holds all of the model's tensors; names that the
            model does not have are passed over.
        second: weights by name at alpha 1, likewise.
    """

    def __init__(self, model: nn.Module, first: Mapping[str, Array], second: Mapping[str, Array]) -> None:
        state = model.state_dict()
        names = [name for name, value in state.items() if value.is_floating_point()]
        self._own = [state[name] for name in names]  # the model's memory
        self._first, self._second = ([torch.empty_like(state[name]).copy_(torch.tensor(end[name])) for name in names]
                                     for end in (first, second))

    @torch.no_grad()
    def put(self, alpha: float) -> None:
        """Lay the weights at `alpha` in [0, 1] into the model.

        Computed from the nearer end: the ends are exact, the line between equal networks is constant bit for bit, and
        the line from second to first is the same one backwards.
        """
        near, far, share = self._first, self._second, alpha
        if alpha > 0.5:
            near, far, share = far, near, 1 - alpha
        torch._foreach_copy_(self._own, near)
        if share == 0.5:  # here neither end is nearer
            torch._foreach_add_(self._own, far)
            torch._foreach_mul_(self._own, 0.5)
        else:
            torch._foreach_lerp_(self._own, far, share)
