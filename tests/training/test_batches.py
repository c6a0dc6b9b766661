"""Batches: order, augmentation and normalisation against naive rewrites."""

import numpy as np
import pytest
import torch
from torchvision.transforms.functional import crop, hflip, pad

from lth_engine.core.errors import BadInput
from lth_engine.core.seeds import derive
from lth_engine.data.image_set import load
from lth_engine.specs.data import Digits
from lth_engine.specs.training import Training
from lth_engine.training.batches import Batches, Images, shifted


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    facts = load(Digits(), tmp_path_factory.mktemp("data"))
    return facts, Images(facts.train_x, facts.train_y, facts.mean, facts.std, "cpu")


def test_an_epoch_shows_every_image_once_and_is_normalised(digits):
    facts, images = digits
    batches = Batches(images, Training(batch_size=100), order_seed=3, level=0)
    got = list(batches.epoch(0))
    assert len(got) == batches.steps_per_epoch == -(-len(images) // 100)
    x, y = torch.cat([b[0] for b in got]), torch.cat([b[1] for b in got])
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(derive(3, "order", 0, 0)))
    expected = (facts.train_x[order].double() / 255 - facts.mean[0]) / facts.std[0]
    assert torch.equal(y, facts.train_y[order])
    assert torch.allclose(x.double(), expected, atol=1e-5)
    assert abs(float(x.mean())) < 1e-3
    assert float(x.std()) == pytest.approx(1, abs=0.01)


def test_order_differs_by_seed_level_and_epoch_and_repeats(digits):
    _, images = digits

    def labels(seed, level, epoch):
        return torch.cat([y for _, y in Batches(images, Training(), seed, level).epoch(epoch)])
    first = labels(0, 0, 0)
    assert torch.equal(first, labels(0, 0, 0))
    assert not any(torch.equal(first, labels(*other)) for other in [(1, 0, 0), (0, 1, 0), (0, 0, 1)])


def test_an_epoch_continues_in_its_middle(digits):
    _, images = digits
    batches = Batches(images, Training(batch_size=64, flip=True, crop=2), 0, 0)
    whole, rest = list(batches.epoch(4)), list(batches.epoch(4, first_step=7))
    assert all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(whole[7:], rest, strict=True))


def test_shift_is_torchvisions_pad_and_crop():
    x = torch.randint(0, 256, (6, 9, 7, 3), dtype=torch.uint8)
    down, right = torch.tensor([0, 1, 2, 3, 4, 4]), torch.tensor([4, 3, 2, 1, 0, 4])
    got = shifted(x, down, right, pad=2)
    for i in range(6):
        image = pad(x[i].permute(2, 0, 1), [2, 2, 2, 2])
        assert torch.equal(got[i].permute(2, 0, 1), crop(image, int(down[i]), int(right[i]), 9, 7))


def test_mirror_flips_half_of_the_images_left_to_right(digits):
    facts, images = digits
    training = Training(batch_size=len(images), flip=True)
    (x, _), = Batches(images, training, 0, 0).epoch(0)
    draw = torch.Generator().manual_seed(derive(0, "order", 0, 0))
    order = torch.randperm(len(images), generator=draw)
    mirrored = torch.rand(len(images), generator=draw) < 0.5
    plain = facts.train_x[order]
    expected = torch.stack([hflip(i) if m else i for i, m in zip(plain, mirrored, strict=True)])
    assert torch.allclose(x, images.normalise(expected.permute(0, 2, 3, 1)))
    assert 0.4 < float(mirrored.float().mean()) < 0.6


def test_a_batch_larger_than_the_set_is_refused(digits):
    _, images = digits
    with pytest.raises(BadInput, match=rf"at most the {len(images)} training images\. Got 5000\. "
                                      rf"Lower it to {len(images)}\."):
        Batches(images, Training(batch_size=5000), 0, 0)


def test_colour_batches_are_channels_last():
    x = torch.randint(0, 256, (40, 3, 8, 8), dtype=torch.uint8)
    images = Images(x, torch.arange(40) % 10, (0.5,) * 3, (0.2,) * 3, "cpu")
    x, _ = next(Batches(images, Training(batch_size=20, crop=1, flip=True), 0, 0).epoch(0))
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert np.isfinite(x.numpy()).all()


@pytest.mark.parametrize(("side", "count"), [(8, 1000), (32, 1000), (64, 250), (224, 20), (2000, 1)])
def test_evaluation_shows_as_many_pixels_at_once_whatever_the_size_of_the_images(side, count):
    images = Images(torch.zeros(3, 1, side, side, dtype=torch.uint8), torch.arange(3), (0.0,), (1.0,), "cpu")
    assert images.evaluation_batch == count
    assert [len(y) for _, y in images.in_order()] == ([1, 1, 1] if count == 1 else [3])
