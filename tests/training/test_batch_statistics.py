"""A network without running statistics is evaluated on mixed batches, so that the order of storage does not matter."""

import torch

from lth_engine.specs.models import CifarResnet
from lth_engine.training.batches import Images
from lth_engine.training.evaluate import evaluate
from lth_engine.training.material import Facts, network
from lth_engine.training.mixed import Mixed, shown

FACTS = Facts(3, 8, 8, 4, (0.5,) * 3, (0.25,) * 3)


def by_class(count=1200):
    """Four classes of images, each brighter than the one before, stored class by class."""
    y = torch.arange(4).repeat_interleave(count // 4)
    noise = torch.randint(0, 60, (count, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    return Images((noise + 60 * y[:, None, None, None]).to(torch.uint8), y, FACTS.mean, FACTS.std, "cpu")


def test_stored_class_by_class_the_batches_are_mixed():
    images = by_class()
    model = network(CifarResnet(depth=8, width=4, running_stats=False), FACTS, 0, "cpu").train()
    seen = shown(model, images)
    assert isinstance(seen, Mixed)
    assert all(len(y.unique()) == 4 for _, y in seen.in_order())
    alone, mixed = evaluate(model, images), evaluate(model, seen)
    assert mixed.count == alone.count == 1200
    assert mixed.loss != alone.loss


def test_with_running_statistics_the_images_are_shown_as_they_are():
    images = by_class()
    assert shown(network(CifarResnet(depth=8, width=4), FACTS, 0, "cpu"), images) is images
