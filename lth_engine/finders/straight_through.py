"""The gradient that scores get through a hard mask: that by the mask, as if the mask were the scores (Bengio et al.
2013)."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from lth_engine.objectives.masked_network import MaskedNetwork


def through_mask(network: MaskedNetwork, weights: torch.Tensor, mask: torch.Tensor, x: torch.Tensor,
                 y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross-entropy of the network with weights mask x weights, in nats, and its gradient by the mask.

    Args:
        network: the frozen network.
        weights: one vector, those under the mask.
        mask: float, of the same length.
        x: images (B, C, H, W).
        y: their classes (B).
    """
    with torch.enable_grad():
        mask = mask.detach().requires_grad_()
        loss = F.cross_entropy(network.logits(network.split(mask * weights), x), y)
        gradient, = torch.autograd.grad(loss, mask)
    return loss.detach(), gradient
