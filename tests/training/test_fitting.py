"""What is said when a GPU is full, with a GPU that is played."""

import pytest
import torch

from lth_engine.core.errors import BadInput
from lth_engine.core.workbench import Workbench
from lth_engine.masking.applied import AppliedMask
from lth_engine.specs.data import Digits
from lth_engine.specs.models import Lenet300100
from lth_engine.specs.training import Training
from lth_engine.training.batches import Batches
from lth_engine.training.fitting import largest
from lth_engine.training.loop import train
from lth_engine.training.material import material, network
from lth_engine.training.stepper import Stepper
from tests.training.test_loop import random_mask


@pytest.mark.parametrize(("room", "limit", "found"), [(0, 500, 0), (1, 500, 1), (37, 500, 37), (500, 500, 500)])
def test_the_largest_that_fits_is_found_by_halving(room, limit, found):
    tried = []

    def step(batch):
        tried.append(batch)
        if batch > room:
            raise torch.OutOfMemoryError("full")
    assert found * 63 / 64 <= largest(limit, step) <= found
    assert len(tried) <= 10


def test_a_full_device_names_the_batch_that_fits(tmp_path):
    images = material(Digits(), Workbench(tmp_path))
    model = network(Lenet300100(), images.facts, 0, "cpu")

    def full_above_40(module, inputs):
        if len(inputs[0]) > 40:
            raise torch.OutOfMemoryError("CUDA out of memory.")
    model.register_forward_pre_hook(full_above_40)
    training = Training(batch_size=200)
    steps = train(Stepper(model, AppliedMask(model, random_mask(model, 0.5)), training),
                  Batches(images.train, training, 0, 0), start=0, stop=5, total=5)
    with pytest.raises(BadInput, match=r"batch_size 200: the largest batch that fits now is 40\. Lower .* to 40"):
        next(steps)
