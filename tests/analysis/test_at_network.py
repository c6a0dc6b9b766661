"""Which network and which images a question about curvature looks at."""

import dataclasses

import numpy as np
import pytest
import torch

from lth_engine.analysis.curvature.at_network import network_at
from lth_engine.core.errors import BadInput, NonFinite
from lth_engine.core.mask import Mask
from lth_engine.specs.curvature import HessianTrace
from lth_engine.specs.finding import OneShot
from lth_engine.specs.models import CifarResnet
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run
from lth_engine.specs.training import Training
from lth_engine.training.chosen import chosen
from lth_engine.training.material import material

TRAINING = Training(length="1ep", batch_size=64)
TICKET = FoundTicket(start=DenseTicket(model=CifarResnet(depth=8, width=4)), training=TRAINING,
                     search=OneShot(fraction=0.5))
RUN = Run(ticket=TICKET, training=TRAINING)


class With:
    """Inputs in which one array of one answer is replaced."""

    def __init__(self, inputs, key, name, value):
        self.inputs, self.key, self.changed = inputs, key, {name: value}

    def __getitem__(self, key):
        found = self.inputs[key]
        return dataclasses.replace(found, arrays={**found.arrays, **self.changed}) if key == self.key else found


@pytest.mark.parametrize(("at", "key", "group"), [("end", RUN.key, "final"), ("start", TICKET.key, "start")],
                         ids=["end", "start"])
def test_the_weights_are_those_of_the_run_at_its_end_or_start(inputs, bench, at, key, group):
    model, mask, _ = network_at(HessianTrace(of=RUN, at=at), inputs, bench)
    assert not model.training
    state = model.state_dict()
    for name, value in inputs[key].group(group).items():
        np.testing.assert_array_equal(state[name], value)
    assert mask == Mask(inputs[RUN.key].group("mask"))


@pytest.mark.parametrize("part", ["train", "test"])
def test_images_are_drawn_once_and_for_all(inputs, bench, part):
    few = network_at(HessianTrace(of=RUN, part=part, images=50), inputs, bench)[2]
    more = network_at(HessianTrace(of=RUN, part=part, images=70, seed=1), inputs, bench)[2]
    every = network_at(HessianTrace(of=RUN, part=part, images=0), inputs, bench)[2]
    assert torch.equal(few.index, more.index[:50])
    assert torch.equal(few.index, every.index[:50])
    assert sorted(every.index.tolist()) == list(range(len(every.images)))
    assert len(network_at(HessianTrace(of=RUN, part=part, images=9999), inputs, bench)[2]) == len(every)
    chunks = list(few.in_chunks(20))
    assert [len(y) for _, y in chunks] == [17, 17, 16]
    everything = torch.cat([x for x, _ in every.images.in_order()])
    assert torch.equal(torch.cat([x for x, _ in chunks]), everything[few.index])
    assert torch.equal(torch.cat([y for _, y in chunks]), few.y)


def test_batch_statistics(inputs, bench):
    model = network_at(HessianTrace(of=RUN, norm_statistics="batch"), inputs, bench)[0]
    x = torch.randn(4, 1, 8, 8)
    assert not torch.allclose(model(x)[:2], model(x[:2]))
    with pytest.raises(BadInput, match=r"Batch statistics need at least 2 images\. Got 1: raise images\."):
        network_at(HessianTrace(of=RUN, norm_statistics="batch", images=1), inputs, bench)
    network_at(HessianTrace(of=RUN, images=1), inputs, bench)


@pytest.mark.parametrize(("at", "key", "name"), [("end", RUN.key, "final/fc.weight"),
                                                 ("start", TICKET.key, "start/bn1.running_var")],
                         ids=["end", "start"])
def test_a_network_that_is_not_finite_is_named(inputs, bench, at, key, name):
    names = inputs[key].arrays
    name = name if name in names else next(n for n in names if n.startswith(name.split("/")[0]) and "mean" in n)
    value = np.array(names[name])
    value.flat[0] = np.inf
    with pytest.raises(NonFinite, match=rf"at the {at} of run {RUN.key} .* in {name.split('/')[1]}: choose"):
        network_at(HessianTrace(of=RUN, at=at), With(inputs, key, name, value), bench)


def test_training_images_are_those_of_the_run_with_the_labels_that_it_saw(inputs, bench):
    """A run on noisy labels is not judged on labels that it never saw, nor one on a subset by all images."""
    noisy = TRAINING.replace(subset=0.5, label_noise=0.3)
    run = Run(ticket=TICKET, training=noisy)

    class AsIs:
        def __getitem__(self, key):
            return inputs[RUN.key if key == run.key else key]

    images = material(TICKET.dense.data, bench)
    index, labels = chosen(images.train.y, noisy)
    drawn = network_at(HessianTrace(of=run, images=0), AsIs(), bench)[2]
    assert len(drawn) == len(index) < len(images.train)
    assert torch.equal(drawn.y, labels[index[drawn.index]])
    x, y = next(drawn.in_chunks(40))
    assert torch.equal(y, drawn.y[:len(y)])
    everything = torch.cat([x for x, _ in images.train.in_order()])
    assert torch.equal(x, everything[index[drawn.index[:len(x)]]])
    assert (drawn.y != images.train.y[index[drawn.index]]).float().mean() > 0.2
    tested = network_at(HessianTrace(of=run, part="test", images=0), AsIs(), bench)[2]
    assert len(tested) == len(images.test)
    assert torch.equal(tested.y, images.test.y[tested.index])
