"""Images of one set as a network for another takes them: of its size, and gray or in colour as it is used to.

Other sizes are resized bilinearly (with antialiasing where they shrink), the whole image, stretched if its shape
differs. A gray image is repeated to three channels. Of a colour image a network for gray ones sees the luma of
ITU-R BT.601. Images arrive normalised by the mean and deviation of their own set's channels, and leave so: the luma is
divided by that of the deviations, so that gray pictures stored in colour are what they would be if stored in gray.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from lth_engine.core.errors import BadInput
from lth_engine.training.material import Facts
from lth_engine.training.mixed import Places
from lth_engine.training.streamed import Batch

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""


@dataclass(frozen=True)
class Fit:
    """How images of one set become those that a network is used to.

    Attributes:
        shape: channels, height and width that the network takes.
        std: deviation of each channel of the images as they come.

    Raises:
        BadInput: the channels are neither equal nor gray and colour.
    """

    shape: tuple[int, int, int]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        wanted, come = self.shape[0], len(self.std)
        if wanted != come and {wanted, come} != {1, 3}:
            raise BadInput(f"The network takes images of {wanted} channels, and the other ones have {come}: choose "
                           "images with as many, or gray and colour ones.")

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Normalised images, B x C x H x W, as the network takes them."""
        channels, *size = self.shape
        if x.shape[1] != channels:
            x = x.expand(-1, 3, -1, -1) if channels == 3 else self._luma(x)
        if list(x.shape[2:]) != size:
            x = F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False)
        return x

    def _luma(self, x: torch.Tensor) -> torch.Tensor:
        weights = torch.tensor(LUMA, device=x.device) * torch.tensor(self.std, device=x.device)
        return torch.einsum("bchw,c->bhw", x, weights / weights.sum())[:, None]


def fit(source: Facts, images: Facts) -> Fit:
    """How `images` are shown to a network for `source`. Raises BadInput as :class:`Fit` does."""
    return Fit((source.channels, source.height, source.width), images.std)


class Moved:
    """A set of images (see :class:`lth_engine.training.mixed.Places`) through a :class:`Fit`.

    Args:
        images: the set.
        fit: what is made of each.
        evaluation_batch: images that the network takes at once; fewer if the set's own is smaller.
    """

    def __init__(self, images: Places, fit: Fit, evaluation_batch: int) -> None:
        self.images, self.fit, self.y = images, fit, images.y
        self.evaluation_batch = min(evaluation_batch, images.evaluation_batch)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def x_shape(self) -> tuple[int, int, int]:
        """Channels, height and width as the network takes them."""
        return self.fit.shape

    def in_parts(self, parts: Sequence[torch.Tensor]) -> Iterator[Batch]:
        """A batch for each of `parts`, the places of its images, without augmentation."""
        return ((self.fit(x), y) for x, y in self.images.in_parts(parts))
