"""The one threshold: exact counts, stable ties, nothing comes back."""

import numpy as np
import pytest
import torch

from lth_engine.core.errors import BadInput, NonFinite, UnknownName
from lth_engine.core.mask import Mask
from lth_engine.masking.allocate import allocate, smallest
from lth_engine.masking.applied import AppliedMask
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.finding import Imp
from lth_engine.specs.models import Lenet300100
from tests.waits import waits


def naive(scores, keep, allowed):
    """Sort (score, index) pairs in Python: largest score first, lowest index first among equals."""
    items = []
    for name in sorted(scores):
        for index, value in enumerate(scores[name].reshape(-1).tolist()):
            if allowed is None or bool(allowed[name].reshape(-1)[index]):
                items.append((-value, len(items), name, index))
    kept = {name: np.zeros(scores[name].numel(), bool) for name in scores}
    for _, _, name, index in sorted(items)[:keep]:
        kept[name][index] = True
    return {name: kept[name].reshape(scores[name].shape) for name in scores}


class Elsewhere(torch.Tensor):
    """A tensor that, like one of an accelerator, gives numpy its values only after `cpu`."""

    def numpy(self):
        raise TypeError("can't convert device type tensor to numpy")

    def cpu(self):
        return self.as_subclass(torch.Tensor)


def test_scores_may_lie_on_any_device():
    assert float(smallest(torch.tensor([3.0, 1.0, 2.0]).as_subclass(Elsewhere), 2)) == 2
    kept = allocate({"a": torch.tensor([3.0, 1.0, 2.0]).as_subclass(Elsewhere)}, 2)["a"]
    assert kept.tolist() == [True, False, True]


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_sorting_pairs(seed):
    draw = torch.Generator().manual_seed(seed)
    scores = {name: torch.randint(0, 6, shape, generator=draw).float() for name, shape in
              {"b": (4, 5), "a": (7,), "c": (2, 3, 3)}.items()}
    allowed = {name: torch.rand(s.shape, generator=draw) < 0.7 for name, s in scores.items()} if seed % 2 else None
    available = sum(int(a.sum()) for a in allowed.values()) if allowed else 45
    keep = 1 + seed % available
    found, expected = allocate(scores, keep, allowed), naive(scores, keep, allowed)
    assert all(np.array_equal(found[n].numpy(), expected[n]) for n in scores)


def test_equal_scores_keep_the_exact_number():
    kept = allocate({"w": torch.ones(100)}, 80)["w"]
    assert int(kept.sum()) == 80
    assert bool(kept[:80].all())


def test_levels_of_imp_on_lenet_have_exact_counts_and_shrink():
    model = build(Lenet300100(), 1, 28, 28, 10, 0)
    scores = {n: p.abs() for n, p in prunable(model).items()}
    allowed, search = None, Imp()
    for level in range(1, 6):
        kept = allocate(scores, search.kept(level, 266_200), allowed)
        assert sum(int(k.sum()) for k in kept.values()) == round(266_200 * 0.8**level)
        assert allowed is None or all(not bool((kept[n] & ~allowed[n]).any()) for n in kept)
        allowed = kept


@pytest.mark.parametrize("keep", [0, 11])
def test_keeping_nothing_or_too_much_is_refused(keep):
    with pytest.raises(BadInput, match="between 1 and 10"):
        allocate({"w": torch.rand(10)}, keep)


def test_scores_that_are_not_finite_name_the_parameter():
    with pytest.raises(NonFinite, match=r"bad\.weight"):
        allocate({"a": torch.ones(3), "bad.weight": torch.tensor([1.0, float("nan")])}, 2)


def test_ignored_layers_must_exist():
    model = build(Lenet300100(), 1, 8, 8, 10, 0)
    assert "fc.weight" not in prunable(model, ("fc.weight",))
    with pytest.raises(UnknownName, match=r"Did you mean fc\.weight"):
        prunable(model, ("fc.weigh",))
    with pytest.raises(BadInput, match="nothing can be pruned"):
        prunable(model, ("fc.weight", "fc1.weight", "fc2.weight"))


def test_applied_mask_zeroes_exactly_the_pruned_weights():
    model = build(Lenet300100(), 1, 8, 8, 10, 0)
    rng = np.random.default_rng(0)
    mask = Mask({n: rng.random(tuple(p.shape)) < 0.3 for n, p in prunable(model).items()})
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    applied = AppliedMask(model, mask)
    assert applied.count_nonzero() == mask.size - mask.kept
    applied.apply()
    assert applied.count_nonzero() == 0
    for name, parameter in model.named_parameters():
        expected = before[name] * torch.from_numpy(np.array(mask[name])) if name in mask else before[name]
        assert torch.equal(parameter, expected)


def test_a_mask_of_another_network_is_refused():
    model = build(Lenet300100(), 1, 8, 8, 10, 0)
    with pytest.raises(BadInput, match=r"fc1\.weight"):
        AppliedMask(model, Mask({"fc1.weight": np.ones((2, 2), bool)}))


def test_pruned_weights_that_are_not_zero_are_counted_with_one_wait():
    model = build(Lenet300100(), 1, 8, 8, 10, 0)
    mask = Mask({n: np.indices(tuple(p.shape)).sum(0) % 2 == 0 for n, p in prunable(model).items()})
    applied = AppliedMask(model, mask)
    applied.apply()
    with torch.no_grad():
        model.fc1.weight[0, 0], model.fc1.weight[0, 1], model.fc2.weight[1, 0] = 5.0, -1.0, float("nan")
    with waits() as seen:
        assert applied.count_nonzero() == 2
    assert len(seen) == 1
    dense = Mask({n: np.ones(tuple(p.shape), bool) for n, p in prunable(model).items()})
    assert AppliedMask(model, dense).count_nonzero() == 0
