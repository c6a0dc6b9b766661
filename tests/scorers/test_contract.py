"""What every scorer promises: a score for each weight, and nothing else changed, whatever the network is made of."""

import copy
import importlib
import random

import numpy as np
import pytest
import torch

from lth_engine.core.errors import BadInput
from lth_engine.core.spec import catalogue
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet
from lth_engine.specs.objectives import GradientMatching, ReverseKl
from lth_engine.specs.scorers import Grasp, Saliency, Snip, Synflow
from tests.models.small import cases
from tests.scorers.showing import digits, drawn, everything, lived_in, shown

LARGE = {"resnet", "cifar_efficientnet_b0", "swin", "torchvision", "timm", "cifar_mobilenet_v2", "cifar_shufflenet"}


def score(spec, subject):
    return importlib.import_module(f"{spec.package}.{spec.name}").score(spec, subject)


def bits(tensors):
    return {name: value.detach().cpu().numpy().tobytes() for name, value in tensors.items()}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", catalogue("scorer"))
def test_T33_a_score_leaves_everything_as_it_was(name, training):
    x, y = digits(20)
    model = lived_in(build(CifarResnet(depth=8, width=4), 3, 16, 16, 10, 0), x).train(training)
    allowed = {n: torch.rand(p.shape, generator=torch.Generator().manual_seed(2)) < 0.7
               for n, p in prunable(model).items()}
    subject = shown(model, [(x, y)])(allowed)
    made = []

    def network():
        made.append(copy.deepcopy(model).eval())
        return made[-1]
    object.__setattr__(subject, "network", network)
    before = bits(model.state_dict()), bits(subject.weights), bits(allowed), x.clone(), y.clone()
    streams = torch.get_rng_state(), np.random.get_state()[1].tobytes(), random.getstate()
    first = score(catalogue("scorer")[name](), subject)
    assert (torch.get_rng_state(), np.random.get_state()[1].tobytes(), random.getstate())[1:] == streams[1:]
    assert torch.equal(torch.get_rng_state(), streams[0])
    assert (bits(model.state_dict()), bits(subject.weights), bits(allowed)) == before[:3]
    assert torch.equal(x, before[3])
    assert torch.equal(y, before[4])
    assert model.training is training
    assert torch.is_grad_enabled()
    assert all(p.grad is None for p in model.parameters())
    assert list(first) == list(subject.weights)
    assert all(not s.requires_grad and s.shape == subject.weights[n].shape for n, s in first.items())
    again = score(catalogue("scorer")[name](), subject)
    assert bits(first) == bits(again)


@pytest.mark.parametrize(("spec", "side"), [
    pytest.param(*case.values, id=case.id, marks=pytest.mark.slow if case.id in LARGE else ()) for case in cases()])
def test_every_network_can_be_scored(spec, side):
    """Attention, grouped convolutions and layer normalisation included; an exact count comes out of each."""
    x, y = digits(10, side=side)
    model = build(spec, 3, side, side, 10, 0).eval()
    total = sum(p.numel() for p in prunable(model).values())
    scorers = [Snip(), Synflow(rounds=2), Saliency(objective=ReverseKl())]
    twice = [Grasp(), Saliency(objective=GradientMatching())]
    if any(isinstance(part, torch.nn.Hardsigmoid) for part in model.modules()):  # torch has no second derivative of it
        for scorer in twice:
            with pytest.raises(BadInput, match="cannot be differentiated twice"):
                drawn(model, [(x[:4], y[:4])], scorer, 0.1)
        twice = []
    for scorer in scorers + twice:
        kept = drawn(model, [(x[:4], y[:4])], scorer, 0.1)
        assert sum(int(mask.sum()) for mask in kept.values()) == round(0.1 * total)
        assert set(kept) == set(everything(model))
