"""Random resized crops against torchvision's."""

import pytest
import torch
from torchvision.transforms.v2 import RandomResizedCrop
from torchvision.transforms.v2.functional import resized_crop

from lth_engine.training.resized_crop import boxes, resized


@pytest.mark.parametrize("size", [(8, 8), (20, 33)])
def test_a_box_is_cut_out_and_resized_as_by_torchvision(size):
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(40, 3, *size, generator=draw, dtype=torch.float64)
    box = boxes(40, *size, draw).double()
    ours = resized(x, box)
    for image, (top, left, height, width), found in zip(x, box.long().tolist(), ours, strict=True):
        expected = resized_crop(image[None], top, left, height, width, list(size), antialias=False)[0]
        assert torch.allclose(found, expected, atol=1e-9)


def test_boxes_lie_inside_and_are_spread_like_torchvisions():
    draw = torch.Generator().manual_seed(1)
    ours = boxes(4000, 32, 32, draw)
    top, left, height, width = ours.unbind(1)
    assert bool((ours == ours.round()).all())
    assert bool(((top >= 0) & (left >= 0) & (top + height <= 32) & (left + width <= 32)).all())
    torch.manual_seed(2)
    theirs = [RandomResizedCrop(32).make_params([torch.zeros(3, 32, 32)]) for _ in range(4000)]
    for column, name in zip((top, left, height, width), ("top", "left", "height", "width"), strict=True):
        expected = torch.tensor([float(t[name]) for t in theirs])
        mean, deviation = float(expected.mean()), float(expected.std())
        assert float(column.mean()) == pytest.approx(mean, abs=6 * deviation / 4000**0.5)
        assert float(column.std()) == pytest.approx(deviation, rel=0.06)


def test_a_crop_is_laid_out_as_all_other_batches_are():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(5, 3, 8, 8, generator=draw).contiguous(memory_format=torch.channels_last)
    assert resized(x, boxes(5, 8, 8, draw)).is_contiguous(memory_format=torch.channels_last)
