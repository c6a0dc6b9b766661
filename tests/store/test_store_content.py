"""Equal results have equal hashes, whoever computed them; any difference shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from store_samples import answer, provenance, put, question

from lth_engine.core.artifact import Answer
from lth_engine.store.content import content_sha256
from lth_engine.store.store import Store

ARRAYS = {"a": np.arange(6.0), "b/c": np.array([True, False])}
SUMMARY = {"accuracy": 0.5}
SPEC = {"name": "dense"}
HASH = content_sha256(ARRAYS, SUMMARY, SPEC)


def test_the_hash_does_not_move() -> None:
    assert HASH == "d2aa519e33e1819d52084edc308f6107ff1bd7d12caa0d03d21e4084de943d7c"


@pytest.mark.parametrize(("arrays", "summary", "spec"), [
    (ARRAYS | {"a": np.arange(6.0).reshape(2, 3)}, SUMMARY, SPEC),
    (ARRAYS | {"a": np.arange(6, dtype=np.float32)}, SUMMARY, SPEC),
    (ARRAYS | {"a": np.arange(6)}, SUMMARY, SPEC),
    (ARRAYS | {"a": np.array([-0.0, 1, 2, 3, 4, 5])}, SUMMARY, SPEC),
    ({"A": ARRAYS["a"], "b/c": ARRAYS["b/c"]}, SUMMARY, SPEC),
    ({"a": ARRAYS["a"]}, SUMMARY, SPEC),
    (ARRAYS, {"accuracy": 0.25}, SPEC),
    (ARRAYS, {"accuracy": 0.5, "loss": None}, SPEC),
    (ARRAYS, SUMMARY, {"name": "run"}),
])
def test_any_difference_in_content_shows(arrays: dict, summary: dict, spec: dict) -> None:
    assert content_sha256(arrays, summary, spec) != HASH


def test_order_layout_and_timings_do_not_count() -> None:
    swapped = {"b/c": ARRAYS["b/c"], "a": np.arange(12.0).reshape(6, 2)[:, 0] / 2}
    assert content_sha256(swapped, SUMMARY, SPEC) == HASH
    timed = SUMMARY | {"train_seconds": 3.0, "images_per_second": 9.0}
    assert content_sha256(ARRAYS | {"table/train_seconds": np.ones(2)}, timed, SPEC) == HASH


def test_provenance_and_encoding_do_not_count(tmp_path) -> None:
    one, two = Store(tmp_path / "one"), Store(tmp_path / "two")
    first = put(one)
    elsewhere = replace(provenance(), host="other", seconds=9.0, created=7.0)
    second = two.put(question(), Answer(answer().arrays, answer().summary), parents={}, provenance=elsewhere)
    assert first.content_sha256 == second.content_sha256 == two.get(second.key).content_sha256
