"""The features of a network: what enters the last linear layer that runs, whatever the architecture."""

from __future__ import annotations

import torch
from torch import nn

from lth_engine.core.errors import BadInput


class Extractor:
    """Features of batches, B x F float32, without gradient.

    Attributes:
        count: features of an image, F.

    Args:
        model: the network, in evaluation mode; it is run once on two black images.
        shape: channels, height and width of its images.

    Raises:
        BadInput: the network's answers do not come out of a linear layer.
    """

    def __init__(self, model: nn.Module, shape: tuple[int, int, int]) -> None:
        self.model = model
        self.layer = _last_linear(model, torch.zeros(2, *shape, device=next(model.parameters()).device))
        self.count = self.layer.in_features

    @torch.no_grad()
    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Features of normalised images, B x C x H x W."""
        entered: list[torch.Tensor] = []
        handle = self.layer.register_forward_pre_hook(lambda layer, given: entered.append(given[0]))
        try:
            self.model(x)
        finally:
            handle.remove()
        return entered[-1].float()


@torch.no_grad()
def _last_linear(model: nn.Module, x: torch.Tensor) -> nn.Linear:
    """The linear layer whose output is the network's: the same memory, so that no number need be finite."""
    ran: list[tuple[nn.Linear, torch.Tensor]] = []
    handles = [layer.register_forward_hook(lambda layer, given, output: ran.append((layer, output)))
               for layer in model.modules() if isinstance(layer, nn.Linear)]
    try:
        logits = model(x)
    finally:
        for handle in handles:
            handle.remove()
    if not ran or ran[-1][1].shape != logits.shape or ran[-1][1].data_ptr() != logits.data_ptr():
        raise BadInput("Features are what enters a last linear layer, and this network's answers come out of another "
                       "kind of layer: choose a network that ends with a linear one.")
    return ran[-1][0]
