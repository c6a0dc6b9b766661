"""A network that does not fit the images is one sentence, and the trial that finds it leaves no trace."""

import pytest
import torch
from torch import nn

from lth_engine.core.errors import BadInput
from lth_engine.models.build import build
from lth_engine.models.fit import check_fit
from lth_engine.specs.library_models import Torchvision
from lth_engine.specs.models import CifarResnet, Lenet300100, MlpMixer, Vgg
from tests.models.small import cases


@pytest.mark.parametrize(("spec", "side", "said"), [
    (CifarResnet(), 4, "ResNet-20 needs images of at least 8 x 8 pixels. Got 4 x 4. Resize them (own_images.size) or"),
    (Vgg(depth=11, width=4), 8, "VGG-11 needs images of at least 16 x 16 pixels. Got 8 x 8."),
    (MlpMixer(patch=16, width=4, depth=1), 8, "Choose 8, or resize the images"),
    (Torchvision(arch="squeezenet1_1"), 8, "squeezenet1_1 does not fit images of 8 x 8 pixels (Given input size"),
    (Torchvision(arch="inception_v3"), 32, "inception_v3 does not fit images of 32 x 32 pixels (Calculated padded"),
    (Torchvision(arch="vit_b_32"), 48, "vit_b_32 does not fit images of 48 x 48 pixels (Input shape indivisible"),
    (Torchvision(arch="maxvit_t"), 32, "maxvit_t does not fit images of 32 x 32 pixels (Input size"),
], ids=lambda value: getattr(value, "label", None))
def test_a_network_that_does_not_fit_is_refused_with_the_remedy(spec, side, said):
    with pytest.raises(BadInput) as caught:
        build(spec, 3, side, side, 10, 0)
    text = str(caught.value)
    assert said in text
    assert "lenet_300_100" in text or "Choose" in text
    assert "\n" not in text
    assert text.endswith((".", "size)."))


@pytest.mark.parametrize(("spec", "side"), cases())
def test_every_model_builds_or_is_refused_at_any_size(spec, side):
    for height, width in ((1, 1), (2, 5), (side, side + 16)):
        model = built_or_refused(spec, height, width)
        if model is not None:
            with torch.no_grad():
                assert model.eval()(torch.zeros(2, 1, height, width)).shape == (2, 3)


def built_or_refused(spec, height, width):
    """The network, or None if it is refused in words."""
    try:
        return build(spec, 1, height, width, 3, 0)
    except BadInput as error:
        return None if f"{height} x {width}" in str(error) else pytest.fail(str(error))


class Picture(nn.Module):
    """Answers with a picture, not with one value a class."""

    def forward(self, x):
        return x


class Pair(nn.Linear):
    """Answers with two tensors."""

    def forward(self, x):
        return x, x


@pytest.mark.parametrize(("model", "got"), [(Picture(), r"\(2, 3, 8, 8\)"), (Pair(2, 2), "tuple")])
def test_an_answer_that_is_not_one_value_a_class_is_refused(model, got):
    with pytest.raises(BadInput, match=rf"one a class\. Got {got}\. Choose another network"):
        check_fit(model, Lenet300100(), 3, 8, 8, 10)


class NeedsNumbers(nn.Module):
    """Cannot answer for shapes alone: it looks at a number, draws one and keeps one."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(12, 5)
        self.seen = None

    def forward(self, x):
        if float(x.sum()) > 1e9:
            raise AssertionError
        self.seen = torch.rand(1)
        return self.fc(x.flatten(1))


def test_a_layer_that_needs_numbers_is_tried_with_numbers_and_stays_as_it_is():
    model = NeedsNumbers()
    before = torch.get_rng_state()
    check_fit(model, Lenet300100(), 3, 2, 2, 5)
    assert torch.equal(before, torch.get_rng_state())
    assert model.training
    assert model.seen is None
    assert model.fc.weight.device.type == "cpu"
    with pytest.raises(BadInput, match="mat1 and mat2 shapes cannot be multiplied"):
        check_fit(model, Lenet300100(), 3, 4, 4, 5)


def test_the_trial_moves_no_running_statistics():
    model = build(CifarResnet(depth=8, width=4), 3, 8, 8, 10, 0)
    assert all(m.num_batches_tracked == 0 and bool((m.running_mean == 0).all())
               for m in model.modules() if isinstance(m, nn.BatchNorm2d))


def test_an_error_that_is_no_misfit_is_not_hidden():
    class Broken(nn.Module):
        def forward(self, x):
            raise KeyError("a bug")

    with pytest.raises(KeyError):
        check_fit(Broken(), Lenet300100(), 3, 8, 8, 10)
