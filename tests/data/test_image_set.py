"""load(): what is in an image set, how it is cut, and its statistics."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from lth_engine.core.errors import BadInput
from lth_engine.data import digits
from lth_engine.data.image_set import channel_statistics, load
from lth_engine.data.raw import Raw
from lth_engine.data.split import cut
from lth_engine.specs.data import Digits, FashionMnist


def _rows(x: torch.Tensor) -> Counter[bytes]:
    return Counter(row.numpy().tobytes() for row in x)


def test_digits_hold_every_image_of_the_package_once(tmp_path: Path) -> None:
    found = load(Digits(), tmp_path)
    pixels = np.floor(load_digits().data * 15.9375 + 0.5).astype(np.uint8)  # 255 / 16 = 15.9375
    together = _rows(found.train_x) + _rows(found.validation_x) + _rows(found.test_x)
    assert together == Counter(row.tobytes() for row in pixels)
    assert (found.channels, found.height, found.width, found.num_classes) == (1, 8, 8, 10)
    assert found.train_x.dtype == torch.uint8
    assert found.train_y.dtype == torch.int64
    assert int(found.train_x.max()) == 255


def test_labels_follow_their_images(tmp_path: Path) -> None:
    found = load(Digits(), tmp_path)
    x, y = load_digits(return_X_y=True)
    label = {np.rint(row * 255 / 16).astype(np.uint8).tobytes(): int(digit) for row, digit in zip(x, y, strict=True)}
    for part_x, part_y in ((found.train_x, found.train_y), (found.validation_x, found.validation_y),
                           (found.test_x, found.test_y)):
        assert [label[row.numpy().tobytes()] for row in part_x] == part_y.tolist()


def test_parts_have_the_asked_fraction_of_every_class(tmp_path: Path) -> None:
    found = load(Digits(test_fraction=0.25, validation_fraction=0.2), tmp_path)
    for digit, total in enumerate(np.bincount(load_digits().target)):
        test = int((found.test_y == digit).sum())
        validation = int((found.validation_y == digit).sum())
        assert abs(test - 0.25 * total) <= 0.5
        assert abs(validation - 0.2 * (total - test)) <= 0.5


def test_no_validation_part_leaves_all_for_training(tmp_path: Path) -> None:
    found = load(Digits(validation_fraction=0), tmp_path)
    assert found.validation_x.shape == (0, 1, 8, 8)
    assert len(found.train_x) + len(found.test_x) == 1797


def test_the_cut_depends_on_the_seed_alone(tmp_path: Path) -> None:
    first, again = load(Digits(split_seed=3), tmp_path), load(Digits(split_seed=3), tmp_path)
    other = load(Digits(split_seed=4), tmp_path)
    assert torch.equal(first.train_x, again.train_x)
    assert _rows(first.validation_x) != _rows(other.validation_x)


def test_the_validation_draw_follows_the_seed_and_leaves_a_given_test_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = np.arange(80, dtype=np.uint8).reshape(80, 1, 1, 1)
    raw = Raw(x[:60], np.arange(60) % 2, x[60:], np.arange(20) % 2, ("a", "b"))
    monkeypatch.setattr(digits, "read", lambda *_: raw)
    found = [load(Digits(split_seed=seed), tmp_path) for seed in (0, 1)]
    assert all(part.test_x.flatten().tolist() == list(range(60, 80)) for part in found)
    assert found[0].validation_x.tolist() != found[1].validation_x.tolist()
    assert max(int(part.validation_x.max()) for part in found) < 60


def test_the_validation_fraction_does_not_move_the_test_images(tmp_path: Path) -> None:
    small, large = (load(Digits(validation_fraction=f), tmp_path) for f in (0.1, 0.5))
    assert torch.equal(small.test_x, large.test_x)


def test_the_cut_is_pinned() -> None:
    """The draw must not change between versions: stored answers rest on it."""
    kept, held = cut(np.array([0] * 6 + [1] * 4), 0.5, 7, "validation")
    assert sorted([*kept.tolist(), *held.tolist()]) == list(range(10))
    assert held.tolist() == [1, 3, 5, 8, 9]


@pytest.mark.parametrize(
    ("size", "fraction", "held"), [(2, 0.9, 1), (3, 0.01, 1), (1, 0.5, 0), (10, 0.25, 3), (9, 0, 0)])
def test_a_cut_takes_at_least_one_and_leaves_at_least_one(size: int, fraction: float, held: int) -> None:
    kept, cut_away = cut(np.zeros(size, int), fraction, 0, "test")
    assert (len(kept), len(cut_away)) == (size - held, held)


@pytest.mark.parametrize("shape", [(50, 3, 5, 4), (7, 1, 8, 8)])
def test_statistics_agree_with_torch_in_double(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lth_engine.data.image_set._CHUNK_BYTES", 300)
    x = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    mean, std = channel_statistics(x)
    exact = torch.from_numpy(x).double() / 255
    assert mean == pytest.approx(exact.mean((0, 2, 3)).tolist(), rel=1e-12)
    assert std == pytest.approx(exact.std((0, 2, 3), correction=0).tolist(), rel=1e-12)


def test_statistics_are_those_of_the_training_part(tmp_path: Path) -> None:
    found = load(Digits(), tmp_path)
    assert found.mean == pytest.approx([float((found.train_x.double() / 255).mean())], rel=1e-12)


def test_a_constant_channel_is_safe_to_divide_by() -> None:
    assert channel_statistics(np.zeros((3, 1, 2, 2), np.uint8)) == ((0.0,), (1.0,))


@pytest.mark.parametrize(("labels", "message"), [
    ([0, 0, 0, 1, 1], r"Class 'b' of digits has 2 images to share among training and validation and test: add"),
    ([0, 0, 0, 1], r"Class 'b' of digits has 1 image to share"),
])
def test_a_class_too_small_to_be_cut_is_refused(
    labels: list[int], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = Raw(np.zeros((len(labels), 1, 2, 2), np.uint8), np.array(labels), None, None, ("a", "b"))
    monkeypatch.setattr(digits, "read", lambda *_: raw)
    with pytest.raises(BadInput, match=message):
        load(Digits(), tmp_path)


def test_fashion_mnist_is_the_published_set(fashion_root: Path) -> None:
    found = load(FashionMnist(), fashion_root)
    assert found.train_x.shape == (54_000, 1, 28, 28)
    assert found.validation_y.bincount().tolist() == [600] * 10
    assert found.test_y.bincount().tolist() == [1000] * 10
    whole = torch.cat([found.train_x, found.validation_x]).double() / 255
    assert float(whole.mean()) == pytest.approx(0.2860, abs=5e-5)  # the values that everyone normalises with
    assert float(whole.std()) == pytest.approx(0.3530, abs=5e-5)
    assert found.classes[9] == "Ankle boot"


def test_a_second_load_does_not_need_the_source(fashion_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(FashionMnist(), fashion_root)
    monkeypatch.setattr("lth_engine.data.fashion_mnist.read_official", None)
    assert torch.equal(load(FashionMnist(), fashion_root).train_x, first.train_x)
