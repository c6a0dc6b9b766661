"""What enters the last linear layer, of every network of the catalogue; and images of one set for another network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.analysis.features.kept import Features
from lth_engine.analysis.features.last_linear import Extractor
from lth_engine.analysis.features.moved import Fit, Moved
from lth_engine.analysis.shown_again import ShownAgain
from lth_engine.core.errors import BadInput, NonFinite
from lth_engine.models.build import build
from lth_engine.specs.library_models import Torchvision
from lth_engine.training.batches import Images
from lth_engine.training.mixed import Mixed
from tests.models.small import cases


@pytest.mark.parametrize(("spec", "side"), cases())
def test_the_last_linear_layer_makes_the_answers_of_the_features(spec, side):
    model = build(spec, 3, side, side, 7, 1).eval()
    extract = Extractor(model, (3, side, side))
    x = torch.randn(3, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found, logits = extract(x), model(x)
        assert found.shape == (3, extract.count)
        torch.testing.assert_close(extract.layer(found), logits)
    assert not found.requires_grad
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_a_network_that_ends_otherwise_is_refused():
    """SqueezeNet classifies by a convolution; a linear layer inside is not its last."""
    model = build(Torchvision(arch="squeezenet1_1"), 3, 32, 32, 5, 0).eval()
    with pytest.raises(BadInput, match="choose a network that ends with a linear one"):
        Extractor(model, (3, 32, 32))
    inside = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.Softmax(dim=1)).eval()
    with pytest.raises(BadInput, match="another kind of layer"):
        Extractor(inside, (3, 2, 2))


def images(count, channels, side, seed=0):
    x = torch.randint(0, 256, (count, channels, side, side), dtype=torch.uint8,
                      generator=torch.Generator().manual_seed(seed))
    return Images(x, torch.arange(count) % 3, (0.4,) * channels, (0.2, 0.3, 0.25)[:channels], "cpu")


def test_gray_is_repeated_to_colour():
    x = torch.randn(2, 1, 4, 4)
    found = Fit((3, 4, 4), (0.2,))(x)
    assert found.shape == (2, 3, 4, 4)
    assert all(torch.equal(found[:, c], x[:, 0]) for c in range(3))


def test_colour_becomes_the_luma_of_its_pixels():
    """Of pixels, not of normalised values: the same up to one factor and one shift, as a loop over pixels says."""
    one = images(2, 3, 4)
    x = next(iter(one.in_order()))[0]
    found = Fit((1, 4, 4), (0.2, 0.3, 0.25))(x)
    assert found.shape == (2, 1, 4, 4)
    for i in range(2):
        for r in range(4):
            for c in range(4):
                red, green, blue = (float(v) / 255 for v in one.x[i, r, c])
                luma, middle = 0.299 * red + 0.587 * green + 0.114 * blue, 0.4
                spread = 0.299 * 0.2 + 0.587 * 0.3 + 0.114 * 0.25
                assert float(found[i, 0, r, c]) == pytest.approx((luma - middle) / spread, abs=1e-5)


def test_gray_pictures_stored_in_colour_are_the_gray_ones():
    gray = images(3, 1, 4)
    colour = Images(gray.x.permute(0, 3, 1, 2).expand(-1, 3, -1, -1), gray.y, (0.4,) * 3, (0.2,) * 3, "cpu")
    x, y = (next(iter(one.in_order()))[0] for one in (gray, colour))
    torch.testing.assert_close(Fit((1, 4, 4), (0.2,) * 3)(y), x)


def test_other_sizes_are_bilinear():
    """Twice the size: each new pixel lies a quarter of the way between two old centres (edges repeat)."""
    x = torch.arange(4.0).reshape(1, 1, 1, 4).expand(1, 1, 4, 4)
    found = Fit((1, 8, 8), (1.0,))(x)
    expected = np.clip((np.arange(8) + 0.5) / 2 - 0.5, 0, 3)
    assert np.allclose(found[0, 0], expected)
    assert Fit((1, 4, 4), (1.0,))(x) is x
    halved = Fit((1, 2, 2), (1.0,))(torch.ones(1, 1, 4, 4))
    assert torch.allclose(halved, torch.ones(1, 1, 2, 2))


@pytest.mark.parametrize("channels", [(4, 3), (1, 2), (3, 4)])
def test_other_channels_are_refused(channels):
    with pytest.raises(BadInput, match=rf"images of {channels[0]} channels, and the other ones have {channels[1]}"):
        Fit((channels[0], 4, 4), (0.2,) * channels[1])


class Scale(nn.Module):
    """Two features, the first constant; a linear layer on them."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.fc, self.factor = nn.Linear(2, 3), factor

    def forward(self, x):
        mean = x.mean(dim=(1, 2, 3))
        return self.fc(torch.stack([torch.full_like(mean, 0.5), self.factor * mean], dim=1))


@pytest.mark.parametrize("keep", [True, False])
def test_features_kept_or_not_are_the_same(keep):
    mixed = Mixed(Moved(images(10, 1, 4), Fit((1, 6, 6), (0.2,)), 3))
    found = Features(Extractor(Scale().eval(), (1, 6, 6)), ShownAgain(mixed, False), keep)
    assert (found.kept is not None) is keep
    x, y = (torch.cat(part) for part in zip(*found.in_order(), strict=True))
    assert found.dead == 1
    assert torch.equal(y, found.y)
    whole = next(iter(images(10, 1, 4).in_order()))[0]
    expected = F.interpolate(whole, (6, 6), mode="bilinear").mean(dim=(1, 2, 3))[mixed.index]
    torch.testing.assert_close(x[:, 1], expected)
    rows = torch.tensor([7, 0, 3, 9])
    torch.testing.assert_close(found.of(rows), x[rows])


def test_features_that_are_not_finite_are_refused():
    shown = ShownAgain(Mixed(images(10, 1, 4)), False)
    with pytest.raises(NonFinite, match="features of the frozen network must be finite"):
        Features(Extractor(Scale(float("inf")).eval(), (1, 4, 4)), shown, True)
