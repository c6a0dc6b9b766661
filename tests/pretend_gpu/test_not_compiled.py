"""A network that torch.compile cannot build: the error says what the device needs for it."""

import inspect

import numpy as np
import pytest
import torch
from torch import nn
from torch._inductor.exc import CppCompileError, InductorError, TritonMissing

from lth_engine.core.errors import LotteryError
from lth_engine.core.mask import Mask
from lth_engine.masking.applied import AppliedMask
from lth_engine.specs.training import Training
from lth_engine.training.stepper import Stepper


def failing(error):
    def forward(x):
        raise error
    return lambda model: forward


def step_on(device, monkeypatch, error):
    monkeypatch.setattr(torch, "compile", failing(error))
    model = nn.Linear(3, 2).to(device)
    stepper = Stepper(model, AppliedMask(model, Mask({"weight": np.ones((2, 3), bool)})), Training(compile=True))
    return lambda: stepper(torch.ones(1, 3, device=device), torch.zeros(1, dtype=torch.int64, device=device))


def test_without_triton_the_error_on_a_gpu_names_it_and_no_compiler_of_a_cpu(gpu, monkeypatch):
    step = step_on("cuda", monkeypatch, TritonMissing(inspect.currentframe()))
    with pytest.raises(LotteryError, match=r"package triton.*training\.compile") as found:
        step()
    assert "g++" not in str(found.value)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_compiler_that_fails_is_named_for_the_device(gpu, monkeypatch, device):
    wrong = InductorError(CppCompileError(["g++"], "no such header"), inspect.currentframe())
    step = step_on(device, monkeypatch, wrong)
    with pytest.raises(LotteryError, match="such as gcc," if device == "cuda" else r"such as g\+\+\. "):
        step()
