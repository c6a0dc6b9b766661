"""Two checkpoints: numbers against plain NumPy, and what they are told to be to one another."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

import numpy as np
import pytest
import torch

from lth_engine.analysis.pairs.signs import agreement
from lth_engine.diagnosis.anatomy import Anatomy, lay_out
from lth_engine.diagnosis.compare import compare, compared
from lth_engine.diagnosis.layer_pair import Sums, sums
from lth_engine.importing import clean
from lth_engine.importing.checkpoint import Architecture
from lth_engine.models.build import build
from tests.diagnosis.made import checkpoint, of_model
from tests.diagnosis.trained import LENET, RESNET, magnitude_mask, trained


def quiet(message: dict) -> None:
    del message


def lenet(seed: int = 0, steps: int = 60, density: float = 1.0, masks: Mapping[str, torch.Tensor] | None = None
          ) -> Anatomy:
    return lay_out(of_model(trained(LENET, seed, steps, density), LENET, (1, 8, 8), 10, masks))


def told(first: Anatomy, second: Anatomy, **options: bool) -> dict:
    found = compared(first, second, quiet, **options)
    json.dumps(found, allow_nan=False)
    return found


def texts(found: dict) -> dict[str, str]:
    return {finding["code"]: finding["text"] for finding in found["findings"]}


# Numbers

def test_sums_are_those_of_numpy():
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, 700, 900)).astype(np.float32)  # more than one piece
    mask = draw.random((700, 900)) < 0.3
    b[draw.random((700, 900)) < 0.5] = 0
    one = lay_out(checkpoint({"a.weight": torch.tensor(a)}, {"a.weight": torch.tensor(mask)})).layers[0]
    other = lay_out(checkpoint({"a.weight": torch.tensor(b)})).layers[0]
    found = sums(one, other)
    a, b = (a * mask).astype(np.float64).ravel(), b.astype(np.float64).ravel()
    assert found.relative == pytest.approx(np.linalg.norm(a - b) / np.linalg.norm(a))
    assert found.cosine == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-9)
    both = (a != 0) & (b != 0)
    assert (found.size, found.both, found.kept_a, found.kept_b) == (
        630_000, both.sum(), np.count_nonzero(a), np.count_nonzero(b))
    signs = agreement(a[both], b[both])
    assert found.agree / found.both == pytest.approx(signs.agree)
    assert found.chance / found.both == pytest.approx(signs.by_chance)


def test_standard_errors_of_independent_weights_are_those_of_a_normal_distribution():
    errors = []
    for seed in range(300):
        draw = np.random.default_rng(seed)
        size = draw.random((30, 30))  # unequal sizes: the plain correlation would be more spread
        a, b = (torch.tensor(size * draw.normal(size=(30, 30))) for _ in range(2))
        errors.append(sums(*(lay_out(checkpoint({"a.weight": w})).layers[0] for w in (a, b))).errors)
    assert np.std(errors) == pytest.approx(1, abs=0.15)
    assert abs(np.mean(errors)) < 0.2


def test_layers_add_up_to_the_whole():
    found = told(lenet(0), lenet(1))
    assert sum(layer["distance"]**2 for layer in found["layers"]) == pytest.approx(found["whole"]["distance"]**2)
    assert sum(layer["weights"] for layer in found["layers"]) == found["whole"]["weights"]
    assert [layer["name"] for layer in found["layers"]] == ["fc1.weight", "fc2.weight", "fc.weight"]


# Shapes and names

def test_other_shapes_are_named():
    other = dataclasses.replace(LENET, first=50)
    found = told(lenet(), lay_out(of_model(build(other, 1, 8, 8, 10, 0), other, (1, 8, 8), 10)))
    assert not found["same_shape"]
    assert ["fc1.weight", [60, 64], [50, 64]] in found["shapes"]
    assert [layer["name"] for layer in found["layers"]] == ["fc.weight"]
    assert "of different shape" in texts(found)["same_shape"]


def test_nothing_in_common_is_no_error():
    found = told(lenet(), lay_out(checkpoint({"x.weight": torch.randn(3, 3)})))
    assert found["layers"] == []
    assert found["kinship"]["code"] == "unclear"


@pytest.mark.parametrize("known", [True, False])
def test_other_names_for_the_same_network(known):
    state = dict(trained(LENET).state_dict())
    names = {name: f"net.{index}.{name.rsplit('.', 1)[-1]}" for index, name in enumerate(state)}
    back = {theirs: ours for ours, theirs in names.items()}
    architecture = Architecture("LeNet", "", LENET, 1, 8, 8, True, 10, back)
    other = lay_out(checkpoint({names[n]: v for n, v in state.items()}, None, architecture if known else None))
    mine = lenet() if known else lay_out(checkpoint(state))
    found = told(mine, other)
    assert found["by"] == ("network" if known else "order")
    assert found["same_shape"]
    assert found["kinship"]["code"] == "same"


# Kinship

def test_the_same_weights():
    found = told(lenet(), lenet())
    assert found["kinship"]["code"] == "same"
    assert found["whole"]["distance"] == 0
    assert "denser" not in texts(found)


def test_saved_in_half_precision():
    state = {name: value.half() for name, value in trained(LENET).state_dict().items()}
    assert told(lay_out(checkpoint(dict(trained(LENET).state_dict()))), lay_out(checkpoint(state)))["kinship"][
        "code"] == "rounded"


@pytest.mark.parametrize("spec", [LENET, RESNET], ids=["lenet", "resnet"])
def test_independent_trainings_are_apart(spec):
    for seed in (1, 2):
        pair = (lay_out(of_model(trained(spec, s), spec, (1, 8, 8), 10)) for s in (0, seed))
        assert told(*pair, matching=False)["kinship"]["code"] == "apart"


@pytest.mark.parametrize("spec", [LENET, RESNET], ids=["lenet", "resnet"])
def test_further_training_is_related(spec):
    pair = (lay_out(of_model(trained(spec, 0, steps), spec, (1, 8, 8), 10)) for steps in (30, 60))
    assert told(*pair)["kinship"]["code"] == "related"


def test_the_start_of_a_training_is_found_in_either_order():
    start = lay_out(of_model(build(LENET, 1, 8, 8, 10, 0), LENET, (1, 8, 8), 10))
    assert told(start, lenet())["kinship"]["code"] == "start"
    found = told(lenet(), start)
    assert found["kinship"]["code"] == "start"
    assert "The second looks like the draw" in found["kinship"]["text"]


def test_a_mask_on_the_same_weights():
    masks = magnitude_mask(trained(LENET), 0.2)
    found = told(lenet(), lenet(masks=masks))
    assert found["kinship"]["code"] == "masked"
    assert "The first is denser: 100% of the weights in the first, 20% in the second." in texts(found)["denser"]
    assert "subset" not in texts(found)  # of everything, any mask is a part
    assert "overlap" not in texts(found)


def test_a_pruned_and_retrained_network_is_related_and_within():
    found = told(lenet(), lenet(density=0.2))
    assert found["kinship"]["code"] == "related"
    assert "The first is denser: 100% of the weights in the first, 20% in the second." in texts(found)["denser"]


# Masks and signs

def masked(kept: torch.Tensor, seed: int = 0) -> Anatomy:
    weight = torch.randn(kept.shape, generator=torch.Generator().manual_seed(seed + 10))
    return lay_out(checkpoint({"a.weight": weight}, {"a.weight": kept}))


def test_random_masks_overlap_as_by_chance():
    kept = [torch.rand(100, 100, generator=torch.Generator().manual_seed(seed)) < 0.3 for seed in (0, 1)]
    found = told(masked(kept[0]), masked(kept[1], 1))
    low, high = found["whole"]["chance_band"]
    assert low <= found["whole"]["both"] <= high
    assert "as many as" in texts(found)["overlap"]
    assert found["whole"]["chance"] == pytest.approx(kept[0].sum() * kept[1].sum() / 10_000)
    assert 0.4 < found["whole"]["sign_agreement"] < 0.6


def test_nested_masks_and_equal_masks():
    kept = torch.rand(100, 100, generator=torch.Generator().manual_seed(0)) < 0.3
    inner = kept & (torch.rand(100, 100, generator=torch.Generator().manual_seed(1)) < 0.5)
    assert "Every weight that the second keeps" in texts(told(masked(kept), masked(inner, 1)))["subset"]
    assert "exactly the same weights" in texts(told(masked(kept), masked(kept, 1)))["subset"]


def test_disjoint_masks_overlap_less_than_chance():
    kept = torch.rand(100, 100, generator=torch.Generator().manual_seed(0)) < 0.3
    assert "fewer than" in texts(told(masked(kept), masked(~kept, 1)))["overlap"]


# Order of units

def reordered_copy() -> Anatomy:
    state = {name: value.clone() for name, value in trained(LENET).state_dict().items()}
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    state["fc1.weight"], state["fc1.bias"] = state["fc1.weight"][order], state["fc1.bias"][order]
    state["fc2.weight"] = state["fc2.weight"][:, order]
    return lay_out(checkpoint(state, None, Architecture("LeNet", "", LENET, 1, 8, 8, True, 10)))


def test_a_copy_in_another_order_is_found():
    found = told(lenet(), reordered_copy())
    assert found["reordered"]["cosine"] == pytest.approx(1)
    assert "is the first with its units in another order" in texts(found)["reordered"]
    assert told(lenet(), reordered_copy(), matching=False)["reordered"] is None


def test_independent_networks_are_no_copies_in_another_order():
    found = told(lenet(0), lenet(1))
    assert found["reordered"]["cosine"] < 0.9
    assert "reordered" in texts(found)


def test_nan_is_left_out():
    broken = dict(trained(LENET).state_dict()) | {"fc2.weight": torch.full((30, 60), float("nan"))}
    found = told(lenet(), lay_out(checkpoint(broken, None, lenet().checkpoint.architecture)))
    assert [layer["name"] for layer in found["layers"]] == ["fc1.weight", "fc.weight"]


def test_empty_sums_have_no_numbers():
    assert (Sums().cosine, Sums().relative, Sums().errors) == (None, None, 0.0)


def test_the_entry_reads_clean_copies(tmp_path):
    paths = []
    for seed in (0, 1):
        paths.append(tmp_path / f"{seed}.safetensors")
        with paths[-1].open("wb") as file:
            clean.write(of_model(trained(LENET, seed), LENET, (1, 8, 8), 10).contents, file, {})
    heard: list[dict] = []
    found = compare(paths, {"matching": False}, heard.append, None)
    assert found["same_shape"]
    assert found["kinship"]["code"] == "apart"
    assert heard[-1] == {"done": 3, "of": 3}


def test_sorted_names_are_not_compared_by_their_order():
    """Two 5 x 5 layers whose names differ in every letter: the order of letters says nothing of which is which."""
    draw = torch.Generator().manual_seed(0)
    left, right = torch.randn(5, 5, generator=draw), torch.randn(5, 5, generator=draw)
    first = lay_out(checkpoint({"in.weight": left, "out.weight": right}))
    second = lay_out(checkpoint({"after.weight": right, "before.weight": left}))
    found = told(first, second)
    assert found["by"] == "nothing"
    assert found["layers"] == []
    assert "sorts its tensors by name" in texts(found)["same_shape"]


def test_sorted_names_are_compared_in_the_order_of_their_numbers():
    """Block 2 stands before block 10, though not as letters."""
    held = [torch.randn(n, 3, generator=torch.Generator().manual_seed(n)) for n in range(2, 13)]
    first = lay_out(checkpoint({f"b{i}.weight": value for i, value in enumerate(held)}))
    second = lay_out(checkpoint(dict(sorted((f"part{i}.weight", value) for i, value in enumerate(held)))))
    found = told(first, second)
    assert (found["by"], len(found["layers"]), found["kinship"]["code"]) == ("order", len(held), "same")


def test_what_stands_beside_equal_weights_is_told():
    """Equal weights do not make equal networks: normalisation and biases are looked at, too."""
    state = {name: value.clone() for name, value in trained(RESNET).state_dict().items()}
    first = lay_out(checkpoint(dict(trained(RESNET).state_dict())))
    assert "So are the" in told(first, lay_out(checkpoint(state)))["kinship"]["text"]
    for name, value in state.items():
        if name.endswith("running_mean"):
            value += 1
    moved = sum(name.endswith("running_mean") for name in state)
    text = told(first, lay_out(checkpoint(state)))["kinship"]["text"]
    assert f"But {moved} tensors of running statistics differ as after its statistics were estimated anew." in text
    state["fc.bias"] += 1
    found = told(first, lay_out(checkpoint(state)))["kinship"]
    assert found["code"] == "same"
    assert "1 tensor of biases differ" in found["text"]


@pytest.mark.parametrize(("kind", "words"), [(torch.float16, "float16"), (torch.bfloat16, "bfloat16")])
def test_a_copy_is_told_from_noise_of_its_size(kind, words):
    """0.1% of noise in float32 is a short training, not a rounding, though its distance is that of one."""
    state = dict(trained(LENET).state_dict())
    first = lay_out(checkpoint(state))
    copy = told(first, lay_out(checkpoint({name: value.to(kind) for name, value in state.items()})))["kinship"]
    assert copy["code"] == "rounded"
    assert words in copy["text"]
    draw = torch.Generator().manual_seed(0)
    noisy = {name: value * (1 + 1e-3 * torch.randn(value.shape, generator=draw)) for name, value in state.items()}
    assert told(first, lay_out(checkpoint(noisy)))["kinship"]["code"] == "related"
