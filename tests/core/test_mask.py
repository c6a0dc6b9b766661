"""A Mask counts and combines like the plain Python that is written out here."""

from __future__ import annotations

import numpy as np
import pytest

from lth_engine.core.errors import BadInput
from lth_engine.core.mask import Mask


def draw(seed: int, density: float) -> Mask:
    rng = np.random.default_rng(seed)
    return Mask({"fc.weight": rng.random((7, 5)) < density, "conv.weight": rng.random((3, 2, 3, 3)) < density})


def positions(mask: Mask) -> set[tuple[str, int]]:
    return {(name, i) for name, array in mask.items() for i, kept in enumerate(array.ravel().tolist()) if kept}


@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
def test_counts(density: float) -> None:
    mask = draw(0, density)
    assert mask.size == 7 * 5 + 3 * 2 * 3 * 3
    assert mask.kept == len(positions(mask))
    assert mask.density == mask.kept / mask.size
    for name, fraction in mask.layer_density().items():
        assert fraction == sum(mask[name].ravel().tolist()) / mask[name].size


def test_combines_like_sets() -> None:
    a, b = draw(1, 0.5), draw(2, 0.4)
    assert positions(a & b) == positions(a) & positions(b)
    assert positions(a | b) == positions(a) | positions(b)
    assert a.overlap(b) == len(positions(a) & positions(b)) / len(positions(a) | positions(b))
    assert (a & b) <= a
    assert not a <= (a & b)


def test_overlap_of_two_empty_masks_is_one() -> None:
    assert draw(0, 0.0).overlap(draw(1, 0.0)) == 1.0


def test_equality_ignores_the_order_of_names() -> None:
    mask = draw(3, 0.5)
    again = Mask({name: mask[name] for name in reversed(list(mask))})
    assert list(again) == ["conv.weight", "fc.weight"]
    assert again == mask
    assert mask != draw(4, 0.5)
    assert mask != "mask"


def test_is_frozen_and_has_no_hash() -> None:
    mask = draw(0, 0.5)
    with pytest.raises(ValueError, match="read-only"):
        mask["fc.weight"][0, 0] = True
    with pytest.raises(TypeError):
        hash(mask)


def test_refuses_what_is_no_mask() -> None:
    with pytest.raises(BadInput, match="at least one"):
        Mask({})
    with pytest.raises(BadInput, match=r"fc\.weight must be boolean\. Got float64"):
        Mask({"fc.weight": np.ones(3)})  # type: ignore[dict-item]


def test_refuses_masks_of_different_networks() -> None:
    one, other = Mask({"a": np.ones(3, bool)}), Mask({"a": np.ones(4, bool)})
    for combine in (lambda: one & other, lambda: one | other, lambda: one <= other, lambda: one.overlap(other)):
        with pytest.raises(BadInput, match="different networks: a differ"):
            combine()
