"""Two runs weight by weight, against loops over single weights."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.stats import hypergeom

from lth_engine.analysis import network_comparison
from lth_engine.analysis.network_comparison import Network, compared
from lth_engine.analysis.pairs.signs import Signs, agreement
from lth_engine.answer import StoredInputs, answer
from lth_engine.core.artifact import texts
from lth_engine.core.errors import BadInput, NonFinite
from lth_engine.core.mask import Mask
from lth_engine.core.readings import readings
from lth_engine.core.workbench import Workbench
from lth_engine.models.build import build
from lth_engine.specs.comparing_networks import NetworkComparison
from lth_engine.specs.controls import RandomMask
from lth_engine.specs.finding import OneShot
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store

TRAINING = Training(length="1ep", batch_size=64)


def question(model, fraction):
    ticket = FoundTicket(start=DenseTicket(model=model), training=TRAINING, search=OneShot(fraction=fraction))
    return NetworkComparison(first=Run(ticket=ticket, training=TRAINING),
                             second=Run(ticket=RandomMask(of=ticket), training=TRAINING, order_seed=1))


ASKED = {"lenet": question(Lenet300100(first=9, second=7), 0.9),
         "resnet": question(CifarResnet(depth=8, width=2), 0.7)}

IN_ORDER = {"lenet": ["fc1.weight", "fc2.weight", "fc.weight"],
            "resnet": [f"{name}.weight" for name in (
                "conv", "blocks.0.conv1", "blocks.0.conv2", "blocks.1.conv1", "blocks.1.conv2", "blocks.1.shortcut.0",
                "blocks.2.conv1", "blocks.2.conv2", "blocks.2.shortcut.0", "fc")]}
"""Prunable parameters from the input on."""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def inputs(store, data_root):
    for asked in ASKED.values():
        for needed in asked.inputs():
            answer(needed, store, data_root=data_root)
    return StoredInputs(store)


def solve(asked, inputs, data_root):
    return network_comparison.answer(asked, inputs, Workbench(data_root))


@pytest.mark.parametrize("name", ASKED)
def test_distance_signs_and_overlap_are_those_of_a_loop_over_weights(name, inputs, data_root):
    asked = ASKED[name]
    found = solve(asked, inputs, data_root)
    first, second = inputs[asked.first.key], inputs[asked.second.key]
    layers = {n: found.arrays[f"layers/{n}"] for n in (
        "distance", "size", "kept_first", "kept_second", "both", "expected", "low", "high", "signs_agree")}
    squares = both = agree = union = 0
    names = texts(found.arrays["layers/name"])
    assert names == IN_ORDER[name]
    for i, layer in enumerate(names):
        a, b, m, n = (np.ravel(e[f"{group}/{layer}"]) for group in ("final", "mask") for e in (
            first.arrays, second.arrays))
        square = sum((float(x) * bool(p) - float(y) * bool(q)) ** 2 for x, y, p, q in zip(a, b, m, n, strict=True))
        same = [(x > 0) == (y > 0) for x, y, p, q in zip(a, b, m, n, strict=True) if p and q]
        oracle = hypergeom(a.size, int(m.sum()), int(n.sum()))
        assert layers["distance"][i] == pytest.approx(math.sqrt(square), rel=1e-6)
        assert (layers["size"][i], layers["both"][i]) == (a.size, len(same))
        assert (layers["kept_first"][i], layers["kept_second"][i]) == (m.sum(), n.sum())
        assert layers["expected"][i] == pytest.approx(oracle.mean())
        assert (layers["low"][i], layers["high"][i]) == (oracle.ppf(0.025), oracle.ppf(0.975))
        assert layers["signs_agree"][i] == pytest.approx(np.mean(same) if same else math.nan, nan_ok=True)
        squares, both, agree, union = squares + square, both + len(same), agree + sum(same), union + (m | n).sum()
    others = [n for n in first.group("final") if n not in names and n.endswith(("weight", "bias"))]
    rest = sum(((first.arrays[f"final/{n}"] - second.arrays[f"final/{n}"]).astype(float) ** 2).sum() for n in others)
    assert found.summary["distance"] == pytest.approx(math.sqrt(squares), rel=1e-6)
    assert found.summary["distance_all"] == pytest.approx(math.sqrt(squares + rest), rel=1e-6)
    assert found.summary["distance_all"] > found.summary["distance"]
    assert (found.summary["both"], found.summary["overlap"]) == (both, pytest.approx(both / union))
    assert found.summary["signs_agree"] == pytest.approx(agree / both)
    shown = {reading.name: reading for reading in readings(found.summary)}
    assert (shown["both"].low, shown["both"].high) == (None, None), "the band is that of chance"
    assert shown["both_expected"].low == found.summary["both_expected_low"]
    assert found.summary["both_expected_low"] <= found.summary["both_expected"] <= found.summary["both_expected_high"]
    assert found.summary["both_expected"] == pytest.approx(layers["expected"].sum())


@pytest.mark.parametrize("name", ASKED)
def test_dead_units_are_counted_in_both_networks(name, inputs, data_root):
    found = solve(ASKED[name], inputs, data_root)
    for which in ("first", "second"):
        summary = {n: found.summary[f"{n}_{which}"] for n in ("density", "effective_density", "dead_units")}
        size = found.arrays["layers/size"].sum()
        assert summary["density"] == found.arrays[f"layers/kept_{which}"].sum() / size
        assert summary["effective_density"] == found.arrays[f"layers/effective_{which}"].sum() / size
        assert summary["effective_density"] <= summary["density"]
        assert summary["dead_units"] == found.arrays[f"layers/dead_{which}"].sum()
        assert (found.arrays[f"layers/dead_{which}"] <= found.arrays["layers/units"]).all()
    assert found.summary["effective_density_second"] < found.summary["density_second"]
    assert found.summary["dead_units_second"] > 0


@pytest.mark.parametrize("name", ASKED)
def test_T15_a_network_is_no_distance_from_itself(name, inputs, data_root):
    asked = ASKED[name]
    for at in ("end", "start"):
        found = solve(asked.replace(second=asked.first, first_at=at, second_at=at), inputs, data_root)
        assert found.summary["distance"] == found.summary["distance_all"] == 0
        assert found.summary["signs_agree"] == found.summary["overlap"] == 1
        assert 0.5 <= found.summary["signs_by_chance"] < 0.7
        assert found.summary["both"] > found.summary["both_expected_high"]


def test_the_start_of_a_run_is_its_ticket(inputs, data_root):
    asked = ASKED["lenet"].replace(second=ASKED["lenet"].first, first_at="start")
    found = solve(asked, inputs, data_root)
    start, end = inputs[asked.first.ticket.key].group("start"), inputs[asked.first.key].group("final")
    squares = sum(((start[n].astype(float) - end[n]) ** 2).sum() for n in start)
    assert found.summary["distance_all"] == pytest.approx(math.sqrt(squares), rel=1e-6)
    assert found.summary["overlap"] == 1
    assert 0.5 < found.summary["signs_agree"] <= 1


def test_the_lab_answers_it(store, data_root, inputs):
    found = answer(ASKED["lenet"], store, data_root=data_root)
    assert found.summary["both"] == solve(ASKED["lenet"], inputs, data_root).summary["both"]


class Changed:
    """Inputs of which one array is replaced."""

    def __init__(self, inputs, key, name, change):
        self.inputs, self.key, self.name, self.change = inputs, key, name, change

    def __getitem__(self, key):
        artifact = self.inputs[key]
        if key != self.key:
            return artifact
        return dataclasses.replace(artifact, arrays=self.change(self.name, dict(artifact.arrays)))


def test_bad_networks_are_named(inputs, data_root):
    asked = ASKED["resnet"]
    with pytest.raises(BadInput, match=r"same network, .* \(conv and cifar_resnet\)\. .* network_comparison\.second"):
        NetworkComparison(first=Run(ticket=DenseTicket(model=Conv())), second=asked.second)

    def spoil(name, arrays):
        return arrays | {name: np.where(arrays[name] > 0, np.nan, arrays[name])}

    def drop(name, arrays):
        return {n: a for n, a in arrays.items() if n != name}

    for change, error, text in ((spoil, NonFinite, r"be finite, .* in blocks\.1\.bn2\.weight:"),
                                (drop, BadInput, r"but blocks\.1\.bn2\.weight differ or are missing")):
        with pytest.raises(error, match=f"at the end of run {asked.second.key} must .*{text}"):
            solve(asked, Changed(inputs, asked.second.key, "final/blocks.1.bn2.weight", change), data_root)


def test_layers_of_density_0_and_1_and_nothing_in_common():
    model = build(Lenet300100(first=6, second=5), 1, 2, 2, 3, 0)
    weights = {n: p.detach().numpy() for n, p in model.named_parameters()}
    whole = {n: np.ones(w.shape, bool) for n, w in weights.items() if n.endswith("weight")}
    none = {n: np.zeros_like(m) for n, m in whole.items()}

    def acting(mask):
        return Network({n: w * mask.get(n, 1) for n, w in weights.items()}, Mask(mask))

    mixed = whole | {"fc2.weight": none["fc2.weight"]}
    layers, summary = compared(acting(whole), acting(mixed))
    assert layers["both"].tolist() == layers["low"].tolist() == layers["high"].tolist() == [24, 0, 15]
    assert layers["expected"].tolist() == [24, 0, 15]
    assert np.isnan(layers["signs_agree"]).tolist() == [False, True, False]
    assert (summary["signs_agree"], summary["both"]) == (1, 39)
    assert (summary["both_expected_low"], summary["both_expected_high"]) == (39, 39)
    assert summary["distance"] == pytest.approx(float(np.linalg.norm(weights["fc2.weight"])))
    _, summary = compared(acting(none), acting(whole))
    assert (summary["signs_agree"], summary["signs_by_chance"], summary["overlap"]) == (None, None, 0)
    assert (summary["both_expected_low"], summary["both_expected"], summary["both_expected_high"]) == (0, 0, 0)


def test_agreement_by_chance_is_that_of_shuffled_signs():
    draw = np.random.default_rng(0)
    first, second = np.where(draw.random(500) < 0.8, 1.0, -1.0), np.where(draw.random(500) < 0.3, 2.0, -3.0)
    second[:50] = 0
    found = agreement(first, second)
    shuffled = np.mean([np.mean(first * draw.permutation(second) > 0) for _ in range(2000)])
    assert found.agree == np.mean(first * second > 0)
    assert found.by_chance == pytest.approx(shuffled, abs=0.003)
    assert agreement(np.zeros(4), np.zeros(4)) == Signs(4, 1.0, 1.0)
