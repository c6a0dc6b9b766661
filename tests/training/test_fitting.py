"""What is said when a GPU is full, with a GPU that is played."""

import pytest
import torch

from lth_engine.core.errors import BadInput, LotteryError
from lth_engine.core.workbench import Workbench
from lth_engine.masking.applied import AppliedMask
from lth_engine.specs.data import Digits
from lth_engine.specs.models import Lenet300100
from lth_engine.specs.training import Training
from lth_engine.training import loop
from lth_engine.training.batches import Batches
from lth_engine.training.captured import Captured
from lth_engine.training.fitting import largest, out_of_memory, ran_out
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


def test_where_the_last_smaller_batch_does_not_fit_the_batch_size_of_the_training_is_named(tmp_path, monkeypatch):
    """And what was recorded for the whole batches is let go before the largest batch is sought."""
    images = material(Digits(), Workbench(tmp_path))
    model = network(Lenet300100(), images.facts, 0, "cpu")
    training, held = Training(batch_size=500), []  # 1,210 images: the last batch has 210

    def record(work):
        if captured.recordings:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return work

    def asked(model, x, precision, batch):
        held.append((len(captured.recordings), len(x), batch))
        return LotteryError("full")
    monkeypatch.setattr(loop, "out_of_memory", asked)
    mask = AppliedMask(model, random_mask(model, 0.5), every_layer=True)
    captured = Captured(Stepper(model, mask, training), record)
    with pytest.raises(LotteryError, match="full"):
        list(train(captured, Batches(images.train, training, 0, 0), start=0, stop=9, total=9))
    assert held == [(0, 210, 500)]
    assert all(p.grad is None for p in model.parameters())
    monkeypatch.undo()
    error = out_of_memory(model, torch.zeros(210, 1, 8, 8), "float32", 500)
    assert "with training.batch_size 500: the largest batch that fits now is 49" in str(error), "within one part in 64"


def test_features_are_images_without_a_height(tmp_path):
    error = out_of_memory(torch.nn.Linear(7, 3), torch.zeros(20, 7), "float32", 20)
    assert "largest batch that fits now is 19" in str(error)


def test_libraries_say_in_their_own_words_that_memory_is_short():
    assert ran_out(torch.OutOfMemoryError("CUDA out of memory."))
    assert ran_out(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"))
    assert not ran_out(RuntimeError("CUDA error: an illegal memory access was encountered"))
