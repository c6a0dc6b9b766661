"""What holds for every data set, on a tiny one written in its real format."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from lth_engine.core.errors import BadInput, MissingData
from lth_engine.core.spec import catalogue, from_dict
from lth_engine.data.image_set import ImageSet, StreamedSet, labels, load
from lth_engine.specs.data import DataSpec
from tests.data.layouts import WRITE, Written

MEMBERS = sorted(catalogue("data"))
ALWAYS_THERE = {"digits"}


@pytest.fixture(params=MEMBERS)
def written(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    return WRITE[request.param](tmp_path, monkeypatch)


def held(x: object) -> list[bytes]:
    """What tells the images of a part from one another: pixels, or names of files."""
    return [row.numpy().tobytes() for row in x] if isinstance(x, torch.Tensor) else x.names.tolist()


def parts(found: ImageSet | StreamedSet) -> list[tuple[object, torch.Tensor]]:
    if isinstance(found, StreamedSet):
        return [(found.train, found.train_y), (found.validation, found.validation_y), (found.test, found.test_y)]
    return [(found.train_x, found.train_y), (found.validation_x, found.validation_y), (found.test_x, found.test_y)]


def test_shapes_types_and_labels(written: Written, tmp_path: Path) -> None:
    found = load(written.spec, tmp_path)
    assert isinstance(found, StreamedSet) == written.spec.streamed
    assert (found.channels, found.height, found.width) == (written.shape[0], written.shape[1], written.shape[1])
    assert found.num_classes == len(set(written.train)) == len(set(found.classes))
    assert all(isinstance(name, str) and name for name in found.classes)
    for x, y in parts(found):
        assert len(x) == len(y) > 0
        assert y.dtype == torch.int64
        assert set(y.tolist()) == set(range(found.num_classes))
        if isinstance(x, torch.Tensor):
            assert x.dtype == torch.uint8
            assert x.shape[1:] == (found.channels, found.height, found.width)
        else:
            assert all(x.pixels(i).dtype == np.uint8 and x.pixels(i).shape[2] == 3 for i in range(len(x)))
    assert len(found.mean) == len(found.std) == found.channels
    if isinstance(found, ImageSet):
        pixels = found.train_x.double() / 255
        assert found.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist(), rel=1e-9)
        assert found.std == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist(), rel=1e-9)
    else:
        assert (found.mean, found.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_the_cut_is_seeded_and_takes_the_same_fraction_of_every_class(written: Written, tmp_path: Path) -> None:
    spec = written.spec.replace(validation_fraction=0.3)
    found = load(spec, tmp_path)
    (train, train_y), (validation, validation_y), (test, test_y) = parts(found)
    if written.test is None:
        for label, count in Counter(written.train).items():
            assert abs((test_y == label).sum() - spec.test_fraction * count) <= 0.5
    else:
        assert Counter(test_y.tolist()) == Counter(written.test)
    rest = Counter(written.train) - (Counter(test_y.tolist()) if written.test is None else Counter())
    assert Counter(train_y.tolist()) + Counter(validation_y.tolist()) == rest
    for label, count in rest.items():
        assert int((validation_y == label).sum()) == max(1, int(0.3 * count + 0.5))
    again, other = load(spec, tmp_path), load(spec.replace(split_seed=1), tmp_path)
    assert [held(x) for x, _ in parts(again)] == [held(train), held(validation), held(test)]
    if len(set(held(train) + held(validation))) > 2 * len(rest):  # else the images of a class are all alike
        assert held(parts(other)[1][0]) != held(validation)


def test_labels_are_known_without_decoding(written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(written.spec, tmp_path)
    expected = [y.tolist() for _, y in parts(found)]
    for module in ("listed", "square_files", "own_images"):
        monkeypatch.setattr(f"lth_engine.data.{module}.decode", None)
    told = labels(written.spec, tmp_path)
    assert [told.train.tolist(), told.validation.tolist(), told.test.tolist()] == expected
    assert told.classes == found.classes


def test_asked_by_its_json_it_is_the_same_set(written: Written, tmp_path: Path) -> None:
    again = from_dict("data", written.spec.to_dict())
    assert again.key == written.spec.key
    assert isinstance(again, DataSpec)
    assert [held(x) for x, _ in parts(load(again, tmp_path))] == [
        held(x) for x, _ in parts(load(written.spec, tmp_path))]


@pytest.mark.parametrize("name", MEMBERS)
def test_a_missing_set_is_one_sentence_that_names_its_place(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_network: None,
) -> None:
    written = WRITE[name](tmp_path / "there", monkeypatch)
    spec, nowhere = written.spec, tmp_path / "nowhere"
    if name == "own_images":
        spec = spec.replace(path=str(nowhere))
    if name in ALWAYS_THERE:
        assert len(load(spec, nowhere).train_y) > 0
        return
    started = time.monotonic()
    with pytest.raises(BadInput if name == "own_images" else MissingData) as caught:
        load(spec, nowhere)
    text = str(caught.value)
    assert time.monotonic() - started < 5
    assert "\n" not in text
    assert text.endswith(".")
    assert str(nowhere) in text
    assert written.folder in text
    if name != "own_images":
        assert "choose digits or own_images" in text


@pytest.mark.parametrize("name", MEMBERS)
def test_says_how_large_it_is(name: str) -> None:
    assert catalogue("data")[name].facts
