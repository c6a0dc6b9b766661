"""Images that somebody brings: read in every form that is allowed, refused by one sentence in every other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lth_engine.core.errors import BadInput
from lth_engine.diagnosis.batch_file import Batch, read_batch, read_parts

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (12, 3, 8, 10), dtype=np.uint8)
Y = np.arange(12) % 4
MEAN, STD = np.array([0.4, 0.5, 0.6]), np.array([0.2, 0.25, 0.3])


def saved(folder: Path, **arrays: Any) -> Path:
    path = folder / "batch.npz"
    np.savez(path, **arrays)
    return path


def whole(batch: Batch) -> torch.Tensor:
    return torch.cat([x for x, _ in batch.in_order()])


def by_hand() -> torch.Tensor:
    """Normalised pixel by pixel."""
    found = np.empty(X.shape)
    for place, value in np.ndenumerate(X):
        found[place] = (value / 255 - MEAN[place[1]]) / STD[place[1]]
    return torch.tensor(found, dtype=torch.float32)


@pytest.mark.parametrize("x", [X, X.transpose(0, 2, 3, 1)], ids=["channels first", "channels last"])
def test_bytes_are_normalised(tmp_path: Path, x: np.ndarray) -> None:
    batch = read_batch(saved(tmp_path, x=x, y=Y, mean=MEAN, std=STD))
    assert torch.equal(whole(batch), by_hand())
    assert batch.x_shape == (3, 8, 10)
    assert torch.equal(batch.y, torch.from_numpy(Y))


def test_floats_are_shown_as_they_are(tmp_path: Path) -> None:
    x = RNG.normal(size=(5, 1, 6, 6)).astype(np.float32)
    batch = read_batch(saved(tmp_path, x=x, y=np.zeros(5, np.uint8)))
    assert torch.equal(whole(batch), torch.from_numpy(x))


def test_grey_images_without_a_channel_and_one_number_for_all(tmp_path: Path) -> None:
    batch = read_batch(saved(tmp_path, x=X[:, 0], y=Y, mean=0.5, std=0.25))
    assert torch.equal(whole(batch)[:, 0], torch.from_numpy((X[:, 0] / 255 - 0.5) / 0.25).float())


def test_parts_are_the_images_of_their_places(tmp_path: Path) -> None:
    batch = read_batch(saved(tmp_path, x=X, y=Y, mean=MEAN, std=STD))
    (x, y), = batch.in_parts([torch.tensor([7, 2])])
    assert torch.equal(x, by_hand()[[7, 2]])
    assert y.tolist() == [3, 2]


GOOD: dict[str, Any] = {"x": X, "y": Y, "mean": MEAN, "std": STD}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no y": ({"y": None}, "has no array 'y'"),
    "no x": ({"x": None}, "has no array 'x'"),
    "no mean": ({"mean": None}, "has no array 'mean'"),
    "no std": ({"std": None}, "has no array 'std'"),
    "two means": ({"mean": MEAN[:2]}, "mean of .* has 2 values and std 3"),
    "other channels": ({"x": X[:, :2]}, "must have 3 channels"),
    "mean for 0 to 255": ({"mean": 255 * MEAN}, "divide by 255"),
    "std of zero": ({"std": 0 * STD}, "is meant for pixels"),
    "mean NaN": ({"mean": MEAN * np.nan}, "finite"),
    "signed": ({"x": X.astype(np.int64)}, "Got int64"),
    "few labels": ({"y": Y[:5]}, "12 images. Got 5"),
    "float labels": ({"y": Y / 2}, "whole numbers"),
    "two rows of labels": ({"y": Y.reshape(2, 6)}, "one row"),
    "negative label": ({"y": Y - 1}, "classes from 0. Got -1"),
    "huge label": ({"y": Y.astype(np.uint64) + 2**63}, "classes from 0"),
    "floats with a mean": ({"x": X / 255}, "leave them out"),
    "NaN": ({"x": np.full((12, 3, 4, 4), np.nan, np.float32), "mean": None, "std": None}, "NaN or infinity"),
    "infinity": ({"x": np.full((12, 3, 4, 4), np.inf, np.float32), "mean": None, "std": None}, "NaN or infinity"),
    "flat": ({"x": X.reshape(12, -1)}, "Got 12 x 240"),
    "flat floats": ({"x": X.reshape(12, -1).astype(np.float32), "mean": None, "std": None}, "N x C x H x W"),
    "empty": ({"x": X[:0], "y": Y[:0]}, "Got 0 x 3"),
    "objects": ({"x": np.array([{}] * 12, dtype=object)}, "Python objects, which are never loaded"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, case: str) -> None:
    changes, words = BAD[case]
    arrays = {name: value for name, value in (GOOD | changes).items() if value is not None}
    with pytest.raises(BadInput) as caught:
        read_batch(saved(tmp_path, **arrays))
    assert re.search(words, str(caught.value))
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="There is no file"):
        read_batch(tmp_path / "gone.npz")
    path = tmp_path / "text.npz"
    path.write_text("nothing")
    with pytest.raises(BadInput, match="not a readable zip"):
        read_batch(path)
    whole_file = saved(tmp_path, **GOOD).read_bytes()
    path.write_bytes(whole_file[: len(whole_file) // 2])
    with pytest.raises(BadInput, match="not a readable zip"):
        read_batch(path)


@pytest.mark.parametrize(("network", "words"), [
    ((1, 8, 10, 4, True), "takes images of 1 channel, but those of .* have 3"),
    ((3, 8, 8, 4, True), "8 x 8, but those of .* are 8 x 10"),
    ((3, 8, 10, 3, True), "3 classes, 0 to 2, but y .* label 3")])
def test_a_network_that_the_images_do_not_fit(tmp_path: Path, network: tuple[Any, ...], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_batch(saved(tmp_path, **GOOD)).require(*network)


def test_a_network_that_takes_any_size(tmp_path: Path) -> None:
    batch = read_batch(saved(tmp_path, **GOOD))
    batch.require(3, 32, 32, 4, size_known=False)
    with pytest.raises(BadInput, match="32 x 32"):
        batch.require(3, 32, 32, 4)


def test_the_part_for_tests_is_judged_on(tmp_path: Path) -> None:
    more = {"x_test": X[:3], "y_test": Y[:3]}
    judged, aside = read_parts(saved(tmp_path, x=X, y=Y, **more))
    assert aside is not None
    assert (len(judged), len(aside)) == (3, 12)
    assert judged.raw
    assert read_parts(saved(tmp_path, x=X, y=Y))[1] is None
    with pytest.raises(BadInput, match="one of x_test and y_test"):
        read_parts(saved(tmp_path, x=X, y=Y, x_test=X))
