"""What an objective says it costs is what torch counts."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lth_engine.core.spec import catalogue
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.objectives.compared import Compared
from lth_engine.objectives.masked_network import MaskedNetwork
from lth_engine.objectives.measured import measured
from lth_engine.specs.models import CifarResnet


@pytest.mark.parametrize("name", catalogue("objective"))
def test_the_passes_of_an_objective_are_those_that_torch_counts(name):
    model = build(CifarResnet(depth=8, width=8), 3, 16, 16, 10, 0)
    network = MaskedNetwork(model, list(prunable(model)))
    x, y = torch.randn(8, 3, 16, 16), torch.arange(8)

    def flops(run):
        with FlopCounterMode(display=False) as counter:
            run()
        return counter.get_total_flops()

    def differentiated():
        overlay = torch.full_like(network.flat, 0.9).requires_grad_()
        spec = catalogue("objective")[name]()
        torch.autograd.grad(measured(spec, Compared(network, overlay, x, y)), overlay)

    with torch.no_grad():
        forward = flops(lambda: network.logits(network.split(network.flat), x))
    differentiated()  # what is found out once about a network is no part of a step
    assert flops(differentiated) / forward == pytest.approx(catalogue("objective")[name].passes, rel=0.04)
