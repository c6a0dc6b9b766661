"""A masked network (the student) beside the same network with all weights (the teacher) on one batch.

Each thing about the two is computed when an objective asks for it, once.
"""

from __future__ import annotations

from functools import cached_property

import torch
import torch.nn.functional as F

from lth_engine.objectives.masked_network import MaskedNetwork


class Compared:
    """Student and teacher on a batch.

    Args:
        network: the frozen network.
        overlay: s, one factor a weight under the overlay; what an objective is differentiated by.
        x: images (B, C, H, W).
        y: their classes (B).
    """

    def __init__(self, network: MaskedNetwork, overlay: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> None:
        self.network, self.overlay, self.x, self.y = network, overlay, x, y

    @cached_property
    def student(self) -> torch.Tensor:
        """Logits of the masked network, (B, classes)."""
        return self.network.logits(self.network.split(self.overlay * self.network.flat), self.x)

    @cached_property
    def teacher(self) -> torch.Tensor:
        """Logits of the dense network, (B, classes); no gradient flows through it."""
        with torch.no_grad():
            return self.network.logits(self.network.split(self.network.flat), self.x)

    def student_features(self, layers: str) -> list[torch.Tensor]:
        """Features of the masked network, layer by layer."""
        return self.network.features(self.network.split(self.overlay * self.network.flat), self.x, layers)

    def teacher_features(self, layers: str) -> list[torch.Tensor]:
        """Features of the dense network; no gradient flows through them."""
        with torch.no_grad():
            return self.network.features(self.network.split(self.network.flat), self.x, layers)

    def student_gradients(self, of: str) -> list[torch.Tensor]:
        """Gradient of the student's loss by layer, differentiable by the overlay.

        Args:
            of: "weights" w, so that the overlay is a factor of it too (s dL/d(s w)), or "masked" weights s w.
        """
        with torch.enable_grad():
            if of == "weights":
                by: torch.Tensor = self.network.flat.clone().requires_grad_()
                masked = self.overlay * by
            else:
                by = masked = self.overlay * self.network.flat
                if not by.requires_grad:
                    by = masked = by.requires_grad_()
            loss = F.cross_entropy(self.network.logits(self.network.split(masked), self.x), self.y)
            gradient, = torch.autograd.grad(loss, by, create_graph=True)
        return list(self.network.split(gradient).values())

    def teacher_gradients(self) -> list[torch.Tensor]:
        """Gradient of the dense network's loss by layer, a constant."""
        with torch.enable_grad():
            weights = self.network.flat.clone().requires_grad_()
            loss = F.cross_entropy(self.network.logits(self.network.split(weights), self.x), self.y)
            gradient, = torch.autograd.grad(loss, weights)
        return list(self.network.split(gradient).values())
