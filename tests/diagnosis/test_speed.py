"""Time, operations and bytes: against counting by hand, SciPy's sparse rows, zlib itself and a clock that is told."""

from __future__ import annotations

import itertools
import json
import zlib

import pytest
import scipy.sparse
import torch

from lth_engine.core.mask import Mask
from lth_engine.diagnosis import sizes as module
from lth_engine.diagnosis.anatomy import lay_out
from lth_engine.diagnosis.sizes import sizes
from lth_engine.diagnosis.speed import SENTENCE, speed, timed
from lth_engine.importing import clean
from tests.diagnosis.made import checkpoint, of_model
from tests.diagnosis.trained import LENET, RESNET, magnitude_mask, trained


def pruned() -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    return torch.randn(50, 37, generator=draw), torch.rand(50, 37, generator=draw) < 0.2


def asked(tmp_path, given, **arguments) -> dict:
    path = tmp_path / "clean.safetensors"
    with path.open("wb") as file:
        clean.write(given.contents, file, {})
    heard: list[dict] = []
    found = speed([path], arguments, heard.append, None)
    assert heard
    json.dumps(found, allow_nan=False)
    return found


def test_bytes_are_counted_right():
    weight, mask = pruned()
    bias = torch.randn(50, generator=torch.Generator().manual_seed(1))
    found = sizes(lay_out(checkpoint({"a.weight": weight, "a.bias": bias}, {"a.weight": mask})))
    dense = torch.where(mask, weight, 0)
    rows = scipy.sparse.csr_array(dense.numpy())
    kept = int(mask.sum())
    assert found.raw == 4 * (50 * 37 + 50)
    assert found.packed == 50 * 37 // 8 + 1 + 4 * kept + 200
    assert found.sparse_rows == rows.data.nbytes + rows.indices.nbytes + rows.indptr.nbytes + 200
    assert found.zipped == sum(len(zlib.compress(value.numpy().tobytes())) for value in (dense, bias))
    assert not found.estimated


def test_half_precision_takes_half():
    weight, mask = pruned()
    full, half = (sizes(lay_out(checkpoint({"a.weight": w}, {"a.weight": mask}))) for w in (weight, weight.half()))
    assert half.raw == full.raw // 2
    assert full.packed - half.packed == 2 * int(mask.sum())


def test_a_dense_layer_is_not_packed():
    found = sizes(lay_out(checkpoint({"a.weight": pruned()[0]})))
    assert found.packed == found.sparse_rows == found.raw


def test_large_tensors_are_estimated_from_pieces(monkeypatch):
    weight = torch.randn(400, 500, generator=torch.Generator().manual_seed(0)).relu()
    given = lay_out(checkpoint({"a.weight": weight}))
    whole = sizes(given)
    monkeypatch.setattr(module, "WHOLE", 100_000)
    monkeypatch.setattr(module, "BLOCK", 20_000)
    found = sizes(given)
    assert found.estimated
    assert found.zipped == pytest.approx(whole.zipped, rel=0.03)


def test_medians_of_a_clock_that_is_told():
    steps = [0.0, 0.0, *[0.05, 0.11, 0.15, 0.11] * 5, 9.0, 6.0, 7.0]  # warm, warm, two seconds; warm, two
    ticks = itertools.chain.from_iterable((100.0 * i, 100.0 * i + step) for i, step in enumerate(steps))
    found = timed(trained(LENET), (1, 8, 8), 1, lambda: next(ticks))
    assert [(time["batch"], time["passes"]) for time in found] == [(1, 20), (64, 2)]
    assert [time["median"] for time in found] == pytest.approx([0.11, 6.5])
    assert found[1]["images_per_second"] == pytest.approx(64 / 6.5)
    assert (found[0]["low"], found[0]["high"]) == pytest.approx((0.095, 0.12))


def test_threads_are_put_back():
    before = torch.get_num_threads()
    timed(trained(LENET), (1, 8, 8), before + 1)
    assert torch.get_num_threads() == before


def test_operations_of_a_sparse_network(tmp_path):
    masks = magnitude_mask(trained(LENET), 0.25)
    given = of_model(trained(LENET), LENET, (1, 8, 8), 10, masks)
    found = asked(tmp_path, given)
    kept = Mask({name: mask.numpy() for name, mask in masks.items()})
    assert found["flops_dense"] == 2 * kept.size
    assert found["flops_sparse"] == pytest.approx(2 * kept.kept)
    assert found["flops_sparse"] <= found["flops_filters"] <= found["flops_dense"]
    assert found["times"][0]["median"] > 0
    assert found["threads"] == 1
    assert SENTENCE in found["sentence"]


def test_cut_filters_save_what_they_hold(tmp_path):
    state = {name: value.clone() for name, value in trained(LENET).state_dict().items()}
    state["fc1.weight"][:30] = 0
    state["fc2.weight"][:, :30] = 0
    given = of_model(trained(LENET), LENET, (1, 8, 8), 10)
    found = asked(tmp_path, checkpoint(state, None, given.architecture))
    assert found["flops_filters"] == pytest.approx(found["flops_sparse"])


def test_a_dense_network_and_an_unknown_one(tmp_path):
    dense = asked(tmp_path, of_model(trained(RESNET), RESNET, (1, 8, 8), 10), threads=1)
    assert dense["sentence"].startswith("Nothing is pruned")
    unknown = asked(tmp_path, checkpoint({"x.weight": pruned()[0]}))
    assert unknown["times"] == []
    assert "architecture" in unknown["reason"]
    assert unknown["bytes"]["raw"] == 4 * 50 * 37


def test_bytes_and_operations_are_told_before_anything_is_timed(tmp_path):
    """Whoever stops waiting has them, with the sentence that zeros are not free."""
    given = of_model(trained(LENET), LENET, (1, 8, 8), 10, magnitude_mask(trained(LENET), 0.25))
    path = tmp_path / "clean.safetensors"
    with path.open("wb") as file:
        clean.write(given.contents, file, {})
    heard: list[dict] = []
    found = speed([path], {}, heard.append, None)
    told = [message["part"] for message in heard if "part" in message]
    assert [len(part["times"]) for part in told] == [0, 1, 2]
    assert told[0] == found | {"times": []}
    assert told[0]["flops_dense"] > told[0]["flops_sparse"] > 0


def test_a_batch_that_would_take_long_is_left_out():
    ticks = itertools.count(step=0.5)  # each pass takes 0.5 s, so 64 images would take 32 s
    found = timed(trained(LENET), (1, 8, 8), 1, lambda: next(ticks))
    assert [time["batch"] for time in found] == [1]
