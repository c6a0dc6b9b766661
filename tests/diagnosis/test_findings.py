"""Each finding on a network that has it and on one that does not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from lth_engine.core.mask import Mask
from lth_engine.diagnosis.anatomy import lay_out
from lth_engine.diagnosis.findings import duplicates, pruning_round
from lth_engine.diagnosis.findings.every import findings
from lth_engine.diagnosis.findings.finding import SEVERITIES, Finding
from lth_engine.diagnosis.fresh import KURTOSIS, Rule, distance, fits
from lth_engine.importing.checkpoint import Architecture, Checkpoint
from lth_engine.masking.prunable import in_network_order, prunable
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet, ModelSpec
from tests.diagnosis.made import checkpoint, of_model
from tests.diagnosis.trained import LENET, RESNET, magnitude_mask, trained
from tests.models.small import cases

ABOUT = Path(__file__).parents[2] / "assets" / "explained"


def found(given: Checkpoint, code: str = "") -> list[Finding]:
    every = findings(lay_out(given))
    for finding in every:
        assert finding.severity in SEVERITIES
        assert finding.text.endswith(".")
        assert "{" not in finding.text
        assert (ABOUT / f"{finding.about}.md").is_file()
    return [finding for finding in every if not code or finding.code == code]


def bad(given: Checkpoint) -> set[str]:
    return {finding.code for finding in found(given) if finding.severity in ("warning", "problem")}


def digits(spec: ModelSpec = RESNET, density: float = 1.0, **change: torch.Tensor) -> Checkpoint:
    """A trained network with some tensors replaced ("__" for ".")."""
    made = of_model(trained(spec, density=density), spec, (1, 8, 8), 10)
    weights = dict(made.sparse.weights) | {name.replace("__", "."): value for name, value in change.items()}
    return checkpoint(weights, None, made.architecture)


def simple(**weights: torch.Tensor) -> Checkpoint:
    return checkpoint({name.replace("__", "."): value for name, value in weights.items()})


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# Networks as they should be -----------------------------------------------------------------------

@pytest.mark.parametrize("spec", [LENET, RESNET], ids=["lenet", "resnet"])
@pytest.mark.parametrize("density", [1.0, 0.2])
def test_a_trained_network_is_healthy(spec, density):
    given = of_model(trained(spec, density=density), spec, (1, 8, 8), 10)
    assert not bad(given)
    assert found(given)[-1].severity == "good" or found(given, "healthy")


@pytest.mark.parametrize(("spec", "side"), cases())
@pytest.mark.parametrize("init", ["library", "he_normal"])
def test_a_fresh_network_is_untrained_and_nothing_else_is_bad(spec, side, init):
    spec = dataclasses.replace(spec, init=init)
    given = of_model(build(spec, 3, side, side, 10, 1), spec, (3, side, side), 10)
    assert bad(given) == {"untrained"}


# Untrained ----------------------------------------------------------------------------------------

def test_signs_of_one_size_are_a_draw():
    spec = dataclasses.replace(RESNET, init="signed_constant")
    told = found(of_model(build(spec, 1, 8, 8, 10, 0), spec, (1, 8, 8), 10), "untrained")
    assert "random signs" in told[0].text
    assert "mask was learned" in told[0].text


def test_a_mask_on_a_stored_draw_does_not_hide_it():
    model = build(RESNET, 1, 8, 8, 10, 0)
    masks = magnitude_mask(model, 0.1)
    assert bad(of_model(model, RESNET, (1, 8, 8), 10, masks)) >= {"untrained"}


def test_a_rewound_ticket_whose_pruned_weights_are_gone_cannot_be_told():
    model = build(RESNET, 1, 8, 8, 10, 0)
    for name, kept in magnitude_mask(model, 0.3).items():
        model.get_parameter(name).data.mul_(kept)
    told = found(of_model(model, RESNET, (1, 8, 8), 10), "untrained")
    assert [f.severity for f in told] == ["note"]
    assert "cannot be told" in told[0].text


def test_a_draw_whose_statistics_moved_is_a_note():
    model = build(RESNET, 1, 8, 8, 10, 0)
    model(torch.randn(16, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    told = found(of_model(model, RESNET, (1, 8, 8), 10), "untrained")
    assert [f.severity for f in told] == ["note"]
    assert "have seen images" in told[0].text


def test_biases_that_moved_veto_a_draw_of_the_weights():
    weight = draw(100, 100) * (2 / 100)**0.5
    torch_like = (torch.rand(100, generator=torch.Generator().manual_seed(0)) * 2 - 1) / 10
    for bias, severity in ((torch.zeros(100), "warning"), (torch_like, "warning"), (torch_like**3, "note"),
                           (torch_like * 20, "note"), (1e-6 * draw(100), "warning")):
        assert [f.severity for f in found(simple(a__weight=weight, a__bias=bias), "untrained")] == [severity]


def test_a_file_without_a_network_has_no_health():
    assert [f.code for f in found(simple(loss=torch.tensor([1.0, float("nan")])))] == ["no_network"]


def test_too_few_weights_cannot_be_told():
    assert "cannot be told" in found(simple(fc__weight=draw(5, 5)), "untrained")[0].text


@pytest.mark.parametrize("factor", [0.95, 1.05])
def test_a_spread_five_per_cent_off_is_no_draw(factor):
    weight = draw(300, 300) * (2 / 300)**0.5
    assert [fit.rule.name for fit in fits(lay_out(simple(a__weight=weight)).layers[0])][:1] == [
        "He's normal rule (fan in)"]
    assert not fits(lay_out(simple(a__weight=factor * weight)).layers[0])


def test_a_draw_of_another_shape_with_the_spread_of_a_rule_is_no_draw():
    laplace = stats.laplace(scale=(1 / 300)**0.5).rvs((300, 300), random_state=0)  # variance 2 / 300
    assert not fits(lay_out(simple(a__weight=torch.tensor(laplace))).layers[0])


@pytest.mark.parametrize(("kind", "law"), [
    ("normal", stats.norm()), ("uniform", stats.uniform(-3**0.5, 2 * 3**0.5)),
    ("truncated", stats.truncnorm(-2, 2, scale=1 / stats.truncnorm(-2, 2).std()))])
def test_distributions_against_scipy(kind, law):
    sample = np.sort(np.random.default_rng(0).normal(size=500) * 0.3)
    assert distance(sample, Rule("", kind, 0.31)) == pytest.approx(stats.kstest(sample / 0.31, law.cdf).statistic)
    assert KURTOSIS[kind] == pytest.approx(law.stats("k") + 3, abs=1e-6)


# Normalisation ------------------------------------------------------------------------------------

def test_statistics_that_were_never_counted():
    model = trained(RESNET)
    names = {n: torch.ones_like(b) if n.endswith("var") else torch.zeros_like(b) for n, b in model.named_buffers()}
    told = found(digits(**{n.replace(".", "__"): value for n, value in names.items()}), "norm_start")
    assert [f.severity for f in told] == ["warning"]
    assert "9 batch normalisations of 9" in told[0].text
    assert not found(digits(), "norm_start")


def test_factors_at_their_start():
    model = trained(RESNET)
    start = {n: torch.ones_like(p) if n.endswith("weight") else torch.zeros_like(p)
             for n, p in model.named_parameters() if "bn" in n or "shortcut.1" in n}
    told = found(digits(**{n.replace(".", "__"): value for n, value in start.items()}), "norm_start")
    assert [f.severity for f in told] == ["note"]


@pytest.mark.parametrize(("value", "severity"), [(-0.1, "problem"), (1e7, "warning"), (1e-12, "note")])
def test_variances(value, severity):
    variance = trained(RESNET).bn.running_var.clone()
    variance[1] = value
    told = found(digits(bn__running_var=variance), "norm_variance")
    assert [(f.severity, f.layer) for f in told] == [(severity, "bn")]


def test_most_variances_vanished():
    assert found(digits(bn__running_var=torch.full((4,), 1e-12)), "norm_variance")[0].severity == "warning"


# Numbers ------------------------------------------------------------------------------------------

def test_nan_and_infinity_are_named_and_counted():
    weight = draw(10, 10)
    weight[0, :3] = float("nan")
    told = found(simple(a__weight=weight, b__weight=torch.full((2, 2), float("-inf"))), "non_finite")
    assert [f.layer for f in told] == ["a.weight", "b.weight"]
    assert "3 values NaN of 100" in told[0].text
    assert "4 values infinite of 4" in told[1].text


def test_half_precision_overflows_and_underflows():
    weight = draw(20, 20)
    weight[0, 0] = 70_000
    assert found(simple(a__weight=weight), "half_precision")[0].severity == "warning"
    weight[0] = 1e-9
    assert "20 kept weights of 400" in found(simple(a__weight=weight), "half_precision")[0].text
    assert not found(simple(a__weight=draw(20, 20)), "half_precision")


def test_biases():
    bias = torch.zeros(20)
    bias[3] = -500
    told = found(simple(a__weight=draw(20, 20), a__bias=bias, b__weight=draw(5, 20), b__bias=torch.zeros(5)), "biases")
    assert [f.severity for f in told] == ["warning", "note"]
    assert "largest 500" in told[0].text
    assert not found(simple(a__weight=draw(20, 20), a__bias=torch.zeros(20)), "biases")


def test_signs():
    assert "100% of the 400" in found(simple(a__weight=draw(20, 20).abs()), "signs")[0].text
    assert not found(simple(a__weight=draw(20, 20)), "signs")
    assert not found(simple(a__weight=torch.ones(2, 2)), "signs")  # four coins


# Masks --------------------------------------------------------------------------------------------

def test_layer_collapse():
    empty = digits(density=0.2, blocks__1__conv2__weight=torch.zeros(8, 8, 3, 3))
    assert [(f.severity, f.layer) for f in found(empty, "layer_collapse")] == [("problem", "blocks.1.conv2.weight")]
    thin = torch.zeros(16, 8, 3, 3)
    thin[0, 0, 0, 0] = 1
    told = found(digits(density=0.2, blocks__2__conv1__weight=thin), "layer_collapse")
    assert [(f.severity, "1 of 1,152" in f.text) for f in told] == [("warning", True)]


def test_thin_layers_of_a_thin_network_are_a_note():
    weights = {f"l{i}__weight": draw(300, 300, seed=i) * (torch.rand(300, 300) < 0.005) for i in range(2)}
    assert [f.severity for f in found(simple(**weights), "layer_collapse")] == ["note", "note"]


def chain(*kept: list[tuple[int, int]]) -> Checkpoint:
    """A LeNet of 4 - 3 - 2 units whose layers keep the named weights only."""
    spec = dataclasses.replace(LENET, first=3, second=2)
    model = build(spec, 1, 2, 2, 2, 0)
    for weight, places in zip(in_network_order(model).values(), kept, strict=True):
        mask = torch.zeros_like(weight)
        for place in places:
            mask[place] = 1
        weight.data.mul_(mask)
    return of_model(model, spec, (1, 2, 2), 2)


def test_dead_units_and_effective_density_counted_by_hand():
    told = found(chain([(0, 0), (1, 1)], [(0, 0), (1, 2)], [(0, 0), (1, 1)]), "dead_units")[0]
    # only 0 -> 0 -> 0 -> 0 is a path: 3 of 6 kept weights of 12 + 6 + 4; dead are 1, 2; 1; and the class 1
    assert "4 of 7 units are dead" in told.text
    assert "3 kept weights without effect" in told.text
    assert told.severity == "warning"


def test_no_path_at_all():
    told = found(chain([(0, 0)], [(0, 1)], [(0, 0)]), "dead_units")[0]
    assert told.severity == "problem"


def test_without_an_architecture_rows_are_counted_and_the_reason_is_told():
    weight = draw(10, 10)
    weight[2] = weight[:, 3] = 0
    told = found(simple(a__weight=weight), "dead_units")[0]
    assert "1 of 10 units get no weight, and 1 inputs" in told.text
    assert "the architecture is not known" in told.text
    assert not found(digits(), "dead_units")


def test_zero_filters_in_a_dense_and_in_a_pruned_network():
    weight = trained(RESNET).blocks[2].conv1.weight.detach().clone()
    weight[5] = 0
    dense = found(digits(blocks__2__conv1__weight=weight), "zero_filters")
    assert "blocks.2.conv1.weight (1 of 16)" in dense[0].text
    assert not found(digits(), "zero_filters")


def test_structured_pruning_is_recognised():
    first, second = draw(40, 20), draw(10, 40)
    first[10:30] = 0
    second[:, 10:30] = 0
    told = found(simple(a__weight=first, b__weight=second), "zero_filters")
    assert "pruning was structured" in told[0].text
    mixed = torch.where(torch.rand(40, 20, generator=torch.Generator().manual_seed(0)) < 0.5, first, 0)
    assert "structured" not in found(simple(a__weight=mixed, b__weight=draw(10, 40)), "zero_filters")[0].text


def test_stale_weights_and_momentum():
    weight, mask = draw(10, 10), torch.zeros(10, 10, dtype=torch.bool)
    mask[:5] = True
    momentum = {"optimizer/state/0/momentum_buffer": draw(10, 10, seed=1)}
    told = found(checkpoint({"a.weight": weight}, {"a.weight": mask}, None, momentum), "stale")
    assert "50 of 50 weights under the masks" in told[0].text
    assert "momentum is not 0" in told[1].text
    momentum["optimizer/state/0/momentum_buffer"] *= mask
    assert not found(checkpoint({"a.weight": weight * mask}, {"a.weight": mask}, None, momentum), "stale")


def test_masks_of_other_values():
    given = checkpoint({"a.weight": draw(10, 10)}, {"a.weight": torch.ones(10, 10, dtype=torch.bool)})
    assert not found(given, "mask_values")
    soft = dict(given.unwrapped.tensors) | {"a.weight_mask": torch.full((10, 10), 0.3)}
    given = dataclasses.replace(given, unwrapped=dataclasses.replace(given.unwrapped, tensors=soft))
    assert "100 of 100" in found(given, "mask_values")[0].text


@pytest.mark.parametrize(("share", "level", "slack"), [(0.2, 19, 0), (0.2, 3, -2), (0.5, 7, 0), (0.1, 22, 1)])
def test_the_round_of_a_search_is_told(share, level, slack):
    assert pruning_round.matched(270_896, round(270_896 * (1 - share)**level) + slack) == (share, level)


@pytest.mark.parametrize("kept", [270_896, 100_000, 54_179, 0, 27_089, 50])
def test_other_densities_are_no_round(kept):
    assert pruning_round.matched(270_896, kept) is None


def test_a_round_is_told_with_its_share():
    weight = draw(100, 100)
    mask = torch.zeros(100, 100, dtype=torch.bool).flatten()
    mask[torch.randperm(10_000, generator=torch.Generator().manual_seed(0))[:5120]] = True
    told = found(checkpoint({"a.weight": weight}, {"a.weight": mask.reshape(100, 100)}), "pruning_round")
    assert "round 3" in told[0].text
    assert not found(digits(), "pruning_round")


def test_densities_of_layers():
    threshold = found(of_model(trained(LENET, steps=30), LENET, (1, 8, 8), 10,
                               magnitude_mask(trained(LENET, steps=30), 0.2)), "layer_densities")[0]
    assert "one threshold of magnitude" in threshold.text
    generator = torch.Generator().manual_seed(0)
    masks = {name: (torch.randperm(w.numel(), generator=generator) < w.numel() // 4).reshape(w.shape)
             for name, w in prunable(trained(RESNET)).items()}
    same = found(of_model(trained(RESNET), RESNET, (1, 8, 8), 10, masks), "layer_densities")[0]
    assert "the same share (25%)" in same.text
    assert not found(digits(), "layer_densities")


# Copies -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("factor", [1.0, -1.0, 3.7])
def test_copied_filters_are_found_up_to_sign_and_size(factor):
    weight = draw(300, 40)
    weight[200] = factor * weight[17]
    assert duplicates.copies(lay_out(simple(a__weight=weight)).layers[0]) == [(17, 200)]
    weight[200, 3] += 1e-3
    assert not duplicates.copies(lay_out(simple(a__weight=weight)).layers[0])


def test_many_copies_in_a_large_layer():
    weight = draw(50, 30).repeat(40, 1)
    copies = duplicates.copies(lay_out(simple(a__weight=weight)).layers[0])
    assert len(copies) == 39 * 50
    assert all((low - high) % 50 == 0 for low, high in copies)


def test_filters_of_few_weights_or_of_signs_alone_are_no_copies():
    sparse = torch.zeros(50, 40)
    sparse[:, 0] = draw(50)
    assert not duplicates.copies(lay_out(simple(a__weight=sparse)).layers[0])
    assert not duplicates.copies(lay_out(simple(a__weight=draw(600, 9).sign())).layers[0])


def test_tied_tensors_shared_and_equal():
    weight = draw(10, 10)
    given = checkpoint({"a.weight": weight, "b.weight": weight, "c.weight": weight.clone()},
                       shared={"b.weight": "a.weight"})
    told = found(given, "tied")
    assert "b.weight and a.weight" in told[0].text
    assert "c.weight and a.weight" in told[1].text
    assert not found(simple(a__weight=weight, b__weight=draw(10, 10, seed=1)), "tied")


# Classes ------------------------------------------------------------------------------------------

def test_classes():
    head = draw(10, 20)
    given = checkpoint({"fc.weight": head, "fc.bias": draw(10)}, facts={"args/num_classes": 100, "epoch": 10})
    assert "args/num_classes = 100" in found(given, "classes")[0].text
    head[3] = 0
    assert "1 of 10 outputs" in found(checkpoint({"fc.weight": head}), "classes")[0].text
    assert not found(digits(), "classes")


# All together -------------------------------------------------------------------------------------

def test_the_worst_comes_first_and_many_of_a_kind_are_counted():
    weights = {f"l{i}.weight": torch.full((3, 3), float("nan")) for i in range(12)}
    told = found(checkpoint(weights), "non_finite")
    assert len(told) == 6
    assert "7 more" in told[-1].text
    assert found(checkpoint(weights))[0].severity == "problem"


def test_names_of_the_file_are_used_for_units():
    model = trained(RESNET)
    masks = {name: torch.zeros_like(w, dtype=torch.bool) if name == "blocks.0.conv1.weight" else w != 0
             for name, w in prunable(model).items()}
    renamed = {f"x.{name}": value for name, value in model.state_dict().items()}
    known = Architecture("ResNet-8", "", RESNET, 1, 8, 8, True, 10, {f"x.{name}": name for name in model.state_dict()})
    given = checkpoint(renamed, {f"x.{name}": mask for name, mask in masks.items()}, known)
    assert "x.blocks.0.conv1.weight (4 of 4)" in found(given, "dead_units")[0].text
    assert isinstance(RESNET, CifarResnet)
    assert Mask({n: m.numpy() for n, m in masks.items()}).layer_density()["blocks.0.conv1.weight"] == 0


@pytest.mark.parametrize(("spec", "side"), cases())
def test_dead_units_of_every_network_of_the_catalogue(spec, side):
    model = build(spec, 3, side, side, 10, 0)
    for name, kept in magnitude_mask(model, 0.05).items():
        model.get_parameter(name).data.mul_(kept)
    given = of_model(model, spec, (3, side, side), 10)
    assert all("effective density" in f.text or "No path" in f.text for f in found(given, "dead_units"))
