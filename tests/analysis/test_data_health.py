"""Health on images against scikit-learn and SciPy, and networks whose input or classes are known to be off."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, brier_score_loss, confusion_matrix, log_loss

from lth_engine.analysis.data_health import answer
from lth_engine.analysis.health.calibration import brier, error_by_chance, error_interval, reliability
from lth_engine.analysis.health.input_guess import change
from lth_engine.analysis.health.wilson import wilson
from lth_engine.answer import answer as ask
from lth_engine.core.artifact import texts
from lth_engine.data.image_set import load
from lth_engine.specs.data import Digits
from lth_engine.specs.health import DataHealth
from lth_engine.specs.models import Lenet300100
from lth_engine.specs.normalising import NORMALISATIONS
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.tickets import DenseTicket, Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from lth_engine.training.material import material, network, put_weights

LENET = Lenet300100(first=40, second=20)
TRAINING = Training(length="10ep", batch_size=32, optimizer=Sgd(lr=0.01))
RUN = Run(ticket=DenseTicket(model=LENET), training=TRAINING)


class Edited:
    """The run's answer with some weights changed."""

    def __init__(self, inputs, change) -> None:
        self.inputs, self.change = inputs, change

    def __getitem__(self, key):
        found = self.inputs[key]
        if found.kind != "run":
            return found
        arrays = dict(found.arrays)
        self.change(arrays)
        return type(found)(**{**found.__dict__, "arrays": arrays})


@pytest.fixture(scope="module")
def naive(inputs, bench):
    """Probabilities and labels of the test images, one image at a time."""
    images = material(Digits(), bench)
    model = network(LENET, images.facts, 0, "cpu").eval()
    put_weights(model, inputs[RUN.key].group("final"))
    raw = load(Digits(), bench.data_root)
    x = (raw.test_x.float() / 255 - torch.tensor(raw.mean).view(1, -1, 1, 1)) / torch.tensor(raw.std).view(1, -1, 1, 1)
    with torch.no_grad():
        rows = [torch.softmax(model(one[None]).double(), 1)[0].numpy() for one in x]
    return np.array(rows), raw.test_y.numpy()


def test_scores_are_scikit_learns(inputs, bench, naive) -> None:
    chances, y = naive
    found = answer(DataHealth(of=RUN), inputs, bench)
    assert found.summary["accuracy"] == accuracy_score(y, chances.argmax(1))
    assert found.summary["loss"] == pytest.approx(log_loss(y, chances), rel=1e-5)
    assert np.array_equal(found.arrays["confusion"], confusion_matrix(y, chances.argmax(1)))
    assert found.summary["brier"] == pytest.approx(
        sum(brier_score_loss(y == c, chances[:, c]) for c in range(10)), rel=1e-5)
    for c in range(10):
        hits, count = int((chances.argmax(1)[y == c] == c).sum()), int((y == c).sum())
        ends = binomtest(hits, count).proportion_ci(method="wilson")
        assert found.arrays["class/accuracy"][c] == hits / count
        assert (found.arrays["class/low"][c], found.arrays["class/high"][c]) == pytest.approx(tuple(ends))
    worst = found.arrays["class/accuracy"].argmin()
    assert found.summary["worst_class"] == texts(found.arrays["class/name"])[worst]
    histogram = found.arrays["histogram/right"].sum(), found.arrays["histogram/wrong"].sum()
    assert histogram == ((chances.argmax(1) == y).sum(), (chances.argmax(1) != y).sum())


def test_calibration_is_scikit_learns(inputs, bench, naive) -> None:
    chances, y = naive
    right = chances.argmax(1) == y
    found = answer(DataHealth(of=RUN), inputs, bench)
    accuracy, confidence = calibration_curve(right, chances.max(1), n_bins=15)
    filled = found.arrays["reliability/count"] > 0
    assert found.arrays["reliability/accuracy"][filled] == pytest.approx(accuracy, rel=1e-6)
    assert found.arrays["reliability/confidence"][filled] == pytest.approx(confidence, rel=1e-6)
    assert np.isnan(found.arrays["reliability/accuracy"][~filled]).all()
    naive_error = sum(abs(accuracy - confidence) * found.arrays["reliability/count"][filled]) / len(y)
    assert found.summary["ece"] == pytest.approx(naive_error, rel=1e-6)
    assert found.summary["ece_low"] < found.summary["ece"] < found.summary["ece_high"]


def test_bins_hold_their_upper_edge() -> None:
    found = reliability(np.array([0.0, 0.2, 0.21, 0.4, 1.0]), np.array([True, False, True, True, True]), 5)
    assert found.count.tolist() == [2, 2, 0, 0, 1]
    assert found.error == pytest.approx((abs(1 - 0.2) + abs(2 - 0.61) + 0) / 5)


def test_a_calibrated_network_is_what_chance_makes_of_it() -> None:
    draw = np.random.default_rng(0)
    confidence = draw.uniform(0.3, 1, 2000)
    right = draw.random(2000) < confidence
    mean, high = error_by_chance(confidence, 15, 300, 0)
    assert reliability(confidence, right, 15).error < high
    assert reliability(confidence, draw.random(2000) < confidence - 0.2, 15).error > 2 * high
    assert 0 < mean < high
    low, top = error_interval(confidence, right, 15, 300, 0)
    assert low < top
    assert error_interval(confidence, right, 15, 300, 0) == (low, top)


@pytest.mark.parametrize(("right", "count"), [(0, 10), (10, 10), (3, 7), (1, 1), (500, 1000)])
def test_wilson_is_scipys(right, count) -> None:
    ends = binomtest(right, count).proportion_ci(method="wilson")
    assert np.array(wilson(np.array(right), np.array(count))) == pytest.approx((ends.low, ends.high), abs=1e-12)
    assert np.array(wilson(np.array(0), np.array(0))).tolist() == [0, 1]


def test_brier_of_certainty() -> None:
    sure = np.eye(3)
    assert brier(sure, np.array([0, 1, 2])) == 0
    assert brier(sure, np.array([1, 2, 0])) == 2


def test_images_normalised_anew_are_those_that_are_loaded_so(bench) -> None:
    own = material(Digits(), bench)
    before = next(own.train.in_order())[0].clone()
    scale, shift = change((own.facts.mean, own.facts.std), NORMALISATIONS["signed"].of(1))
    other = material(Digits(normalise="signed"), bench)
    assert torch.allclose(before * scale + shift, next(other.train.in_order())[0], atol=1e-5)
    assert other.facts.mean == (0.5,)


def test_the_normalisation_of_the_training_is_found(tmp_path) -> None:
    """A network that was trained on pixels from 0 to 1, and is shown them so."""
    store, data = Store(tmp_path / "store"), tmp_path
    raw = DenseTicket(model=LENET, data=Digits(normalise="unit"))
    run = Run(ticket=raw, training=TRAINING)
    trained = ask(run, store, data_root=data)
    found = ask(DataHealth(of=run), store, data_root=data)
    assert found.summary["normalisation"] == found.summary["normalisation_best"] == "unit"
    assert found.summary["accuracy"] == trained.summary["test_accuracy"]
    assert "no usual normalisation does surely better" in found.summary["normalisation_text"]


def test_a_network_that_is_shown_other_numbers_is_told_which_it_wants(inputs, bench) -> None:
    """The first layer is changed so that the network wants pixels from -1 to 1: the same function of the pixels."""
    facts = material(Digits(), bench).facts

    def wants_signed(arrays) -> None:
        scale, shift = 0.5 / facts.std[0], (0.5 - facts.mean[0]) / facts.std[0]
        weight = arrays["final/fc1.weight"]
        arrays["final/fc1.bias"] = (arrays["final/fc1.bias"] + shift * weight.sum(1)).astype(np.float32)
        arrays["final/fc1.weight"] = (weight * scale).astype(np.float32)

    found = answer(DataHealth(of=RUN), Edited(inputs, wants_signed), bench)
    right = answer(DataHealth(of=RUN, part="train"), inputs, bench)
    assert found.summary["normalisation_best"] == "signed"
    assert "set data.normalise to signed" in found.summary["normalisation_text"]
    place = texts(found.arrays["normalisation/name"]).index("signed")
    assert found.arrays["normalisation/accuracy"][place] == pytest.approx(right.summary["accuracy"], abs=0.002)


def test_classes_in_another_order_are_told(inputs, bench) -> None:
    def rolled(arrays) -> None:
        for name in ("final/fc.weight", "final/fc.bias"):
            arrays[name] = np.roll(arrays[name], 1, axis=0)

    assert answer(DataHealth(of=RUN), inputs, bench).summary["classes_text"] == ""
    found = answer(DataHealth(of=RUN), Edited(inputs, rolled), bench)
    assert "classes in another order" in found.summary["classes_text"]
