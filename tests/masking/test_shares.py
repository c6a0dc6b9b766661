"""How many weights each layer keeps when a search shares them out: against the formulas of the papers."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from lth_engine.answer import answer
from lth_engine.core.errors import BadInput
from lth_engine.core.mask import Mask
from lth_engine.masking.prunable import in_network_order, prunable
from lth_engine.masking.prune import prune_to, prune_to_level
from lth_engine.masking.shares import LINEAR, shares
from lth_engine.models.build import build
from lth_engine.specs.finding import Imp, OneShot
from lth_engine.specs.models import CifarResnet, Lenet300100, Vgg
from lth_engine.specs.scorers import RandomScore, Snip
from lth_engine.specs.tickets import DenseTicket, FoundTicket
from lth_engine.store.store import Store

SCOPES = ("erk", "balanced", "smart_ratio", "smart_ratio_vgg")


def shapes_of(spec, side=32, channels=3):
    model = build(spec, channels, side, side, 10, 0)
    return {name: tuple(p.shape) for name, p in in_network_order(model).items()}


RESNET20, VGG, LENET = shapes_of(CifarResnet(depth=20)), shapes_of(Vgg(depth=11, width=8)), shapes_of(
    Lenet300100(), 28, 1)
NETWORKS = {"resnet20": RESNET20, "vgg": VGG, "lenet": LENET}


def sizes(shapes):
    return {name: int(np.prod(shape)) for name, shape in shapes.items()}


def test_the_order_of_the_network_is_that_of_a_pass_not_of_the_alphabet():
    model = build(CifarResnet(depth=20), 3, 32, 32, 10, 0)
    names, ran = list(in_network_order(model)), []
    for name in names:
        module = model.get_submodule(name.removesuffix(".weight"))
        module.register_forward_hook(lambda module, inputs, output, name=name: ran.append(name))
    model(torch.zeros(2, 3, 32, 32))
    assert names[0] == ran[0]
    assert names[-1] == ran[-1]
    assert [n for n in names if "shortcut" not in n] == [n for n in ran if "shortcut" not in n]
    assert names != sorted(names) == list(prunable(model))


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("network", NETWORKS)
def test_counts_are_exact_possible_and_nested_at_every_density(scope, network):
    shapes, room = NETWORKS[network], sizes(NETWORKS[network])
    total, before = sum(room.values()), room
    few = range(len(shapes), len(shapes) + 60)
    for keep in sorted({total - 1, *(round(total * 0.8**level) for level in range(1, 45)), *few}, reverse=True):
        if keep < len(shapes):
            continue
        found = shares(scope, shapes, keep)
        assert list(found) == list(shapes)
        assert sum(found.values()) == keep
        assert all(1 <= found[name] <= before[name] for name in shapes), keep
        before = found


@pytest.mark.parametrize("scope", SCOPES)
def test_everything_is_kept_where_nothing_is_pruned(scope):
    assert shares(scope, RESNET20, 270_896) == sizes(RESNET20)


def erdos_renyi_kernel(shapes, density):
    """Evci et al. 2020: layers at density 1 are taken out, and the scale is found anew, until none is above it."""
    dense = set()
    while True:
        keep = density * sum(np.prod(s) for s in shapes.values()) - sum(np.prod(shapes[n]) for n in dense)
        scale = keep / sum(sum(s) for n, s in shapes.items() if n not in dense)
        raw = {n: 1.0 if n in dense else scale * sum(s) / np.prod(s) for n, s in shapes.items()}
        above = {n for n, value in raw.items() if value > 1}
        if not above:
            return raw
        dense |= above


@pytest.mark.parametrize("density", [0.02, 0.1, 0.3, 0.7])
@pytest.mark.parametrize("network", NETWORKS)
def test_erk_is_that_of_the_paper_with_what_does_not_fit_given_to_the_others(network, density):
    shapes, room = NETWORKS[network], sizes(NETWORKS[network])
    found, wanted = shares("erk", shapes, round(density * sum(room.values()))), erdos_renyi_kernel(shapes, density)
    assert all(abs(found[n] - wanted[n] * room[n]) <= 1 for n in shapes)
    assert density < 0.3 or any(found[n] == room[n] for n in shapes)


def test_balanced_keeps_the_same_number_in_each_layer_and_shares_out_the_rest():
    found = shares("balanced", RESNET20, 22_000)
    assert found[next(iter(RESNET20))] == 432
    assert found["fc.weight"] == 640
    others = {count for name, count in found.items() if count < sizes(RESNET20)[name]}
    assert max(others) - min(others) <= 1
    assert shares("balanced", LENET, 300) == {"fc1.weight": 100, "fc2.weight": 100, "fc.weight": 100}


def test_smart_ratio_of_a_resnet_at_the_density_of_the_paper():
    found, room = shares("smart_ratio", RESNET20, 3_901), sizes(RESNET20)
    assert found["fc.weight"] == round(LINEAR * 640) == 192
    names, length = list(RESNET20)[:-1], len(RESNET20)
    ratio = {n: (length - place + 1) ** 2 + (length - place + 1) for place, n in enumerate(names, 1)}
    scale = (3_901 - 192) / sum(ratio[n] * room[n] for n in names)
    assert scale * max(ratio.values()) < 1
    assert all(abs(found[n] - scale * ratio[n] * room[n]) <= 1 for n in names)


def test_smart_ratio_of_a_vgg_falls_faster_and_gives_what_does_not_fit_to_the_next_layer():
    room, names = sizes(VGG), list(VGG)[:-1]
    keep = round(0.1 * sum(room.values()))
    found, last = shares("smart_ratio_vgg", VGG, keep), round(LINEAR * room["fc.weight"])
    ratio = np.array([((9 - place + 1) ** 2 + (9 - place + 1)) / place**2 for place in range(1, 9)])
    assert len(names) == 8
    wanted = ratio * [room[n] for n in names]
    wanted *= (keep - last) / wanted.sum()
    assert wanted[0] > room[names[0]]
    extra, expected = 0.0, []  # the authors' correction, from the first layer to the last
    for want, name in zip(wanted, names, strict=True):
        expected.append(min(room[name], want + extra))
        extra += want - expected[-1]
    assert extra == pytest.approx(0, abs=1e-6)
    assert found["fc.weight"] == last
    assert all(abs(found[n] - e) <= 1 for n, e in zip(names, expected, strict=True))


def test_the_last_layer_gives_way_where_its_ratio_is_impossible():
    assert shares("smart_ratio", LENET, 5) == {"fc1.weight": 1, "fc2.weight": 1, "fc.weight": 3}
    assert shares("smart_ratio", LENET, 266_200 - 100)["fc.weight"] == 900


@pytest.mark.parametrize("scope", SCOPES)
def test_fewer_weights_than_layers_are_refused_with_the_remedy(scope):
    with pytest.raises(BadInput, match=r"at least one weight in each of 3 layers. Got 2"):
        shares(scope, LENET, 2)


def test_a_rule_of_public_code_does_not_go_with_shares():
    with pytest.raises(BadInput, match=r"Choose search\.rule exact"):
        Imp(scope="erk", rule="aws")


@pytest.mark.parametrize("scope", SCOPES)
def test_masks_of_all_levels_are_nested_whatever_the_scores(scope):
    allowed = {name: torch.ones(shape, dtype=torch.bool) for name, shape in RESNET20.items()}
    search, draw = Imp(scope=scope), torch.Generator().manual_seed(0)
    for level in range(1, 30):
        scores = {name: torch.rand(shape, generator=draw) for name, shape in RESNET20.items()}
        kept = prune_to_level(search, level, scores, allowed)
        assert sum(int(mask.sum()) for mask in kept.values()) == search.kept(level, 270_896)
        assert not any(bool((kept[name] & ~allowed[name]).any()) for name in kept)
        allowed = kept


def test_each_layer_keeps_its_best_scores():
    scores = {name: torch.rand(shape, generator=torch.Generator().manual_seed(1)) for name, shape in LENET.items()}
    allowed = {name: torch.ones(shape, dtype=torch.bool) for name, shape in LENET.items()}
    kept = prune_to(OneShot(scope="balanced"), Fraction(3, 2662), dict(reversed(scores.items())), allowed)
    for name, mask in kept.items():
        assert int(mask.sum()) == 100
        assert scores[name][mask].min() > scores[name][~mask].max()


@pytest.mark.parametrize("scope", SCOPES)
def test_a_ticket_keeps_the_share_of_each_layer_in_the_order_of_the_network(scope, tmp_path):
    """On digits; the layer that is ignored stays dense and has no part in the shares."""
    spec, keep = CifarResnet(depth=8, width=4), 400
    shapes = shapes_of(spec, 8, 1)
    first = next(iter(shapes))
    for ignore, scorer in (((), RandomScore()), ((first,), Snip(images=2))):
        searched = {name: shape for name, shape in shapes.items() if name not in ignore}
        fraction = float(f"{1 - keep / sum(sizes(searched).values()):.12f}")
        question = FoundTicket(start=DenseTicket(model=spec), search=OneShot(
            fraction=fraction, scope=scope, scorer=scorer, ignore=ignore))
        mask = Mask(answer(question, Store(tmp_path / scope), data_root=tmp_path).group("mask"))
        found = {name: int(mask[name].sum()) for name in shapes}
        assert found == sizes({n: shapes[n] for n in ignore}) | shares(scope, searched, keep)
