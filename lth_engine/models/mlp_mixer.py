"""MLP-Mixer (Tolstikhin et al. 2021, section 2): two small networks a block, one over patches, one over channels."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from lth_engine.core.errors import BadInput
from lth_engine.specs.models import MlpMixer


def mlp(size: int, hidden: int) -> nn.Module:
    """Two linear layers, size - hidden - size, with GELU between them."""
    return nn.Sequential(OrderedDict([
        ("fc1", nn.Linear(size, hidden)), ("gelu", nn.GELU()), ("fc2", nn.Linear(hidden, size))]))


class Block(nn.Module):
    """Mixes patches, then channels, each behind a layer normalisation and with a shortcut around."""

    def __init__(self, patches: int, width: int, token_mlp: int, channel_mlp: int) -> None:
        super().__init__()
        self.norm1, self.token_mlp = nn.LayerNorm(width), mlp(patches, token_mlp)
        self.norm2, self.channel_mlp = nn.LayerNorm(width), mlp(width, channel_mlp)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, patches, width) -> the same."""
        x = x + self.token_mlp(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        y: torch.Tensor = x + self.channel_mlp(self.norm2(x))
        return y


class Mixer(nn.Module):
    """Patch embedding, blocks, layer normalisation, mean over patches, classifier."""

    def __init__(self, spec: MlpMixer, patches: int, channels: int, num_classes: int) -> None:
        super().__init__()
        self.embed = nn.Conv2d(channels, spec.width, spec.patch, spec.patch)
        self.blocks = nn.Sequential(*(Block(patches, spec.width, spec.token_mlp, spec.channel_mlp)
                                      for _ in range(spec.depth)))
        self.norm = nn.LayerNorm(spec.width)
        self.fc = nn.Linear(spec.width, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W) -> logits (B, classes)."""
        y = self.norm(self.blocks(self.embed(x).flatten(2).transpose(1, 2)))
        logits: torch.Tensor = self.fc(y.mean(dim=1))
        return logits


def build(spec: MlpMixer, channels: int, height: int, width: int, num_classes: int) -> nn.Module:
    """12 blocks: 49 prunable tensors beside `fc`, and 25 layer normalisations.

    Weights are drawn with variance 1 / fan in and biases are 0, as in the authors' code; the classifier too, which
    they set to 0, since a weight without a sign can be neither ranked nor compared.

    Raises:
        BadInput: the images cannot be cut into patches.
    """
    if height % spec.patch or width % spec.patch:
        fitting = [p for p in range(min(height, width), 0, -1) if height % p == width % p == 0 and p <= spec.patch]
        raise BadInput(f"mlp_mixer.patch must divide the image size of {height} x {width} pixels. Got {spec.patch}. "
                       f"Choose {fitting[0]}, or resize the images (own_images.size).")
    model = Mixer(spec, (height // spec.patch) * (width // spec.patch), channels, num_classes)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    return model
