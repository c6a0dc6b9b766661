"""Random resized crops of a whole batch on the device, as is usual for ImageNet.

A part of the image with 8 to 100% of its area and an aspect ratio of 3/4 to 4/3 is cut out and resized to the image's
own size, bilinearly. Ten draws are tried for one that fits; then the whole image is taken (torchvision's rule, whose
last resort is a central crop of allowed ratio: for square images the same).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

_SCALE, _RATIO, _DRAWS = (0.08, 1.0), (3 / 4, 4 / 3), 10
"""Share of the area, aspect ratio (width over height), and draws: the defaults of torchvision's RandomResizedCrop."""


def boxes(count: int, height: int, width: int, draw: torch.Generator) -> torch.Tensor:
    """One box an image: count x 4, (top, left, height, width) in pixels, whole numbers as float32."""
    area = height * width * torch.empty(count, _DRAWS).uniform_(*_SCALE, generator=draw)
    ratio = torch.empty(count, _DRAWS).uniform_(math.log(_RATIO[0]), math.log(_RATIO[1]), generator=draw).exp()
    w, h = (area * ratio).sqrt().round(), (area / ratio).sqrt().round()
    fits = (w > 0) & (w <= width) & (h > 0) & (h <= height)
    first = fits.to(torch.int8).argmax(dim=1, keepdim=True)
    whole = ~fits.any(dim=1)
    w, h = w.gather(1, first).squeeze(1), h.gather(1, first).squeeze(1)
    w[whole], h[whole] = float(width), float(height)
    top = (torch.rand(count, generator=draw) * (height - h + 1)).floor()
    left = (torch.rand(count, generator=draw) * (width - w + 1)).floor()
    return torch.stack([top, left, h, w], dim=1)


def resized(x: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
    """Cut each image's box out and resize it to the image's size.

    Args:
        x: B x C x H x W, float.
        box: B x 4, see :func:`boxes`.

    Returns:
        B x C x H x W in channels_last layout.
    """
    count, channels, height, width = x.shape
    top, left, h, w = box.unbind(dim=1)
    zero = torch.zeros_like(h)
    across = torch.stack([w / width, zero, (2 * left + w) / width - 1], dim=1)
    down = torch.stack([zero, h / height, (2 * top + h) / height - 1], dim=1)
    grid = F.affine_grid(torch.stack([across, down], dim=1), [count, channels, height, width], align_corners=False)
    first = torch.stack([(2 * left + 1) / width - 1, (2 * top + 1) / height - 1], dim=1)
    last = torch.stack([(2 * (left + w) - 1) / width - 1, (2 * (top + h) - 1) / height - 1], dim=1)
    grid = grid.clamp(first[:, None, None], last[:, None, None])  # nothing outside of the box shines in
    found = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return found.contiguous(memory_format=torch.channels_last)  # as all other batches; a convolution would copy it
