"""Passports: written, read back, recognised, recreated bit for bit; and what is wrong with a damaged one."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn
from torch.nn.utils import prune

from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput, DamagedArtifact, FileUnreadable
from lth_engine.core.mask import Mask
from lth_engine.diagnosis.passport_card import passport_card
from lth_engine.importing.contents import Contents
from lth_engine.importing.exports import exported
from lth_engine.importing.passport import FORMAT, RECIPE, Passport, from_contents, made, to_bytes, weights_sha256
from lth_engine.importing.read import read
from lth_engine.importing.recreate import drawn, require_network, under_mask
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet, Lenet300100, ModelSpec, Vgg
from lth_engine.training.material import take_weights
from lth_engine.training.outcome import masked

SPEC = CifarResnet(depth=8, width=4)
NETWORK = {"model": SPEC.to_dict(), "channels": 3, "height": 8, "width": 8, "classes": 5}
RECIPE_BEFORE = {"how": "seed", "ticket": None, "run": None, "end_sha256": None, "software": {"torch": "2"},
                 "network": NETWORK, "init_seed": 4}


def ticket(spec: ModelSpec = SPEC, side: int = 8, density: float = 0.2) -> tuple[dict[str, Array], Mask]:
    """The start of a ticket of a random mask, drawn from seed 4."""
    model = build(spec, 3, side, side, 5, 4)
    draw = np.random.default_rng(0)
    mask = Mask({name: draw.random(tuple(p.shape)) < density for name, p in prunable(model).items()})
    return masked(take_weights(model), mask), mask


def opened(raw: bytes) -> Contents:
    return read(io.BytesIO(raw), "safetensors")


def passport(*, with_weights: bool = False) -> Passport:
    return made(*ticket(), RECIPE_BEFORE, with_weights=with_weights)


@pytest.mark.parametrize("with_weights", [False, True])
def test_a_passport_comes_back_as_it_was(with_weights: bool) -> None:
    start, mask = ticket()
    written = passport(with_weights=with_weights)
    found = from_contents(opened(to_bytes(written)))
    assert found.mask == mask
    assert found.recipe == written.recipe
    for name, kept in mask.items():
        assert np.array_equal(found.signs[name], start[name][kept] > 0)
    if not with_weights:
        assert found.start is None
        return
    assert found.start is not None
    assert set(found.start) == set(start)
    for name, value in start.items():
        assert found.start[name].dtype == value.dtype
        assert found.start[name].tobytes() == value.tobytes()


def test_the_hash_is_over_names_types_shapes_and_bytes() -> None:
    one = {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.ones(2, np.float32)}
    by_hand = hashlib.sha256()
    for name in ("a", "b"):
        for part in (json.dumps([name, "<f4", list(one[name].shape)]).encode(), one[name].tobytes()):
            by_hand.update(len(part).to_bytes(8, "big") + part)
    assert weights_sha256(one) == by_hand.hexdigest()
    others = [one | {"b": one["b"].reshape(3, 2)}, one | {"b": one["b"].astype(np.float64)}, {"a": one["a"]},
              {"c": one["b"], "a": one["a"]}, one | {"a": -one["a"]}]
    assert len({weights_sha256(other) for other in [one, *others]}) == 6
    assert weights_sha256(dict(reversed(one.items()))) == weights_sha256(one)


def test_a_ticket_is_recreated_from_its_seed() -> None:
    start, _ = ticket()
    found = from_contents(opened(to_bytes(passport())))
    again = under_mask(drawn(found.recipe), found)
    assert {name: value.tobytes() for name, value in again.items()} == {n: v.tobytes() for n, v in start.items()}


def test_other_weights_are_told_by_their_hash() -> None:
    found = passport()
    with pytest.raises(DamagedArtifact, match="% of the signs agree"):
        under_mask(drawn({**found.recipe, "init_seed": 5}), found)
    with pytest.raises(BadInput, match="does not fit"):
        under_mask({"conv.weight": np.zeros((2, 2))}, found)


def test_a_passport_is_a_bit_or_two_a_weight() -> None:
    start, mask = ticket(Vgg(depth=11), 32, 0.01)
    raw = to_bytes(made(start, mask, RECIPE_BEFORE, with_weights=False))
    assert mask.size > 9_000_000
    assert mask.size / 8 <= len(raw) < mask.size / 8 + mask.kept / 8 + 10_000


def test_it_is_recognised() -> None:
    contents = opened(to_bytes(passport()))
    assert contents.format == FORMAT
    assert "recreate makes the ticket" in contents.notes[-1]
    card = passport_card({"notes": [], "nearest": "x", "parameters": 0}, contents)
    _, mask = ticket()
    assert (card["density"], card["kept"], card["prunable"]) == (mask.density, mask.kept, mask.size)
    assert card["architecture"]["name"] == SPEC.label
    assert [layer["density"] for layer in card["layers"]] == list(mask.layer_density().values())
    plain = opened(safetensors.torch.save({"a": torch.ones(2)}))
    assert plain.format == "safetensors"
    assert passport_card({"format": "safetensors"}, plain) == {"format": "safetensors"}
    with pytest.raises(FileUnreadable, match="no passport"):
        from_contents(plain)


def spoiled(change: dict[str, torch.Tensor | None] | None = None, **recipe: object) -> bytes:
    """A passport with other tensors, or another recipe."""
    tensors = dict(safetensors.torch.load(to_bytes(passport(with_weights=True))))
    told = json.loads(tensors[RECIPE].numpy().tobytes()) | recipe
    tensors[RECIPE] = torch.frombuffer(bytearray(json.dumps(told).encode()), dtype=torch.uint8)
    for name, value in (change or {}).items():
        if value is None:
            del tensors[name]
        else:
            tensors[name] = value
    return safetensors.torch.save(tensors)


@pytest.mark.parametrize("raw", [
    lambda: spoiled({RECIPE: torch.zeros(5, dtype=torch.uint8)}), lambda: spoiled({RECIPE: torch.zeros(5)}),
    lambda: spoiled({"mask/conv.weight": None}), lambda: spoiled({"signs/conv.weight": torch.zeros(2)}),
    lambda: spoiled({"mask/conv.weight": torch.zeros(999, dtype=torch.uint8)}),
    lambda: spoiled({"start/conv.weight": torch.zeros(3)}), lambda: spoiled({"start/conv.weight": None}),
    lambda: spoiled(shapes={}), lambda: spoiled(shapes={"conv.weight": [-1, 4]}), lambda: spoiled(how="magic"),
    lambda: spoiled(shapes={"conv.weight": [10**9, 10**9]}), lambda: spoiled(kept="many"),
    lambda: spoiled(kept=1), lambda: spoiled(prunable=999_999), lambda: spoiled(density=0.5),
    lambda: spoiled(density=float("nan")), lambda: spoiled(network=None), lambda: spoiled(network={"model": {}}),
    lambda: spoiled(network=NETWORK | {"height": 20_000}), lambda: spoiled(ticket="mine"),
    lambda: spoiled(software=[]), lambda: spoiled(end_sha256=5), lambda: spoiled(init_seed="1"),
    lambda: spoiled(origin={"question": 3}), lambda: spoiled(start_sha256=None),
    lambda: spoiled(tensors={"conv.weight": ["<f4", [10**12]]})])
def test_damaged_passports_are_unreadable(raw) -> None:
    with pytest.raises(FileUnreadable, match="damaged"):
        from_contents(opened(raw()))


def test_a_network_is_held_against_the_mask_before_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lth_engine.importing.recreate.build", None)  # nothing is built
    require_network(passport())
    for change, words in ((NETWORK | {"model": CifarResnet(depth=20, width=4).to_dict()}, "fit the ResNet-20"),
                          (NETWORK | {"model": CifarResnet(depth=8, width=5).to_dict()}, "blocks.0.conv1"),
                          (NETWORK | {"model": Lenet300100(first=9999).to_dict(), "height": 1024, "width": 1024},
                           "at most 200,000,000"),
                          (NETWORK | {"model": {"name": "no such"}}, "Unknown model")):
        written = passport()
        with pytest.raises(BadInput, match=words):
            require_network(Passport({**written.recipe, "network": change}, written.mask, written.signs, None))


def test_weights_pruned_by_a_product_are_recreated() -> None:
    """`weight *= mask` leaves -0 where a weight was below 0."""
    start, mask = ticket()
    product = {name: value * mask.get(name, 1) for name, value in
               take_weights(build(SPEC, 3, 8, 8, 5, 4)).items()}
    assert any(np.signbit(value[value == 0]).any() for value in product.values())
    found = from_contents(opened(to_bytes(made(product, mask, RECIPE_BEFORE, with_weights=True))))
    assert found.start is not None
    again = under_mask(found.start, found)
    assert all(again[name].tobytes() == start[name].tobytes() for name in start)


def test_carried_weights_that_were_changed_are_told() -> None:
    kept = safetensors.torch.load(to_bytes(passport(with_weights=True)))["start/conv.weight"].clone()
    kept[0] = -kept[0]
    found = from_contents(opened(spoiled({"start/conv.weight": kept})))
    assert found.start is not None
    with pytest.raises(FileUnreadable, match="was changed"):
        under_mask(found.start, found)


def test_later_versions_are_not_guessed_at() -> None:
    with pytest.raises(FileUnreadable, match="later version"):
        from_contents(opened(spoiled(version=99)))


def test_an_export_loads_with_safetensors(tmp_path: Path) -> None:
    start, mask = ticket()
    path = tmp_path / "ticket.safetensors"
    path.write_bytes(exported("safetensors", start, mask, {"key": "abc"}))
    found = safetensors.torch.load_file(path)
    assert set(found) == set(start) | {f"{name}_mask" for name in mask}
    for name, value in start.items():
        assert torch.equal(found[name], torch.from_numpy(value))
    for name, kept in mask.items():
        assert torch.equal(found[f"{name}_mask"], torch.from_numpy(kept.copy()))
    with safetensors.safe_open(path, "pt") as file:
        assert file.metadata()["key"] == "abc"


def test_an_export_is_state_of_torch_prune(tmp_path: Path) -> None:
    """A user's own way: prune the same parameters of a fresh module, then load the state."""
    start, mask = ticket()
    path = tmp_path / "ticket.pt"
    path.write_bytes(exported("torch_prune", start, mask, {}))
    model = build(SPEC, 3, 8, 8, 5, 99).eval()
    parts = [(name.rpartition(".")[0], name.rpartition(".")[2]) for name in mask]
    for module, parameter in parts:
        prune.identity(model.get_submodule(module), parameter)
    model.load_state_dict(torch.load(path, weights_only=True))
    x = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    model(x)  # the hooks of prune put NAME_orig * NAME_mask into place
    for module, parameter in parts:
        prune.remove(model.get_submodule(module), parameter)
    wanted = build(SPEC, 3, 8, 8, 5, 0).eval()
    wanted.load_state_dict({name: torch.from_numpy(value) for name, value in start.items()})
    assert isinstance(model, nn.Module)
    assert torch.equal(model(x), wanted(x))
    assert all(int((weight == 0).sum()) == int((~mask[name]).sum()) for name, weight in prunable(model).items())
