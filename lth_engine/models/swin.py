"""Swin-T and Swin-S of torchvision (Liu et al. 2021) with patches small enough for small images."""

from __future__ import annotations

from torch import nn
from torchvision.models.swin_transformer import SwinTransformer

from lth_engine.models.first_convolution import set_channels
from lth_engine.specs.library_models import Swin

_BLOCKS = {"tiny": 6, "small": 18}
"""Size -> blocks of the third stage."""

_STOCHASTIC_DEPTH = {"tiny": 0.2, "small": 0.3}
"""Size -> probability that the last block is skipped in training (torchvision's choice)."""


def build(spec: Swin, channels: int, height: int, width: int, num_classes: int) -> nn.Module:
    """Swin-T with patch 4, window 7, 3 channels and 1000 classes is torchvision's swin_t: 28,288,354 parameters."""
    model: nn.Module = SwinTransformer(
        patch_size=[spec.patch] * 2, embed_dim=96, depths=[2, 2, _BLOCKS[spec.size], 2], num_heads=[3, 6, 12, 24],
        window_size=[spec.window] * 2, stochastic_depth_prob=_STOCHASTIC_DEPTH[spec.size], num_classes=num_classes)
    set_channels(model, channels)
    return model
