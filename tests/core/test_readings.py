"""Values of summaries as people read them."""

from __future__ import annotations

import json

import h5py
import pytest

from lth_engine.core.readings import PARTS, UNITS, Reading, readings
from lth_engine.specs.examples import FOLDER

NO_UNIT = frozenset((
    "balancer", "barrier_alpha", "barrier_alpha_train", "bottom", "certified_prior_sigma", "delta", "density_loss",
    "distance", "distance_all", "epochs", "flops_dense", "flops_sparse", "gradient_norm", "highest",
    "images_per_second", "learning_distance", "length", "lowest", "objective", "top", "top_residual", "trace",
    "width"))
"""Places on a line, probabilities that are set, lengths in weight space, curvature, and what the name counts."""


def test_errors_and_intervals_stand_beside_their_value() -> None:
    found = readings({"trace": 704.31, "trace_stderr": 33.0, "trace_low": 640.0, "trace_high": 770.0, "products": 1200,
                      "lowest": -1.0, "share_low": 0.5, "reached": True, "note": "", "monotone": None})
    assert found == [Reading("trace", 704.31, 33.0, 640.0, 770.0), Reading("products", 1200), Reading("lowest", -1.0),
                     Reading("share_low", 0.5), Reading("reached", True), Reading("note", ""),
                     Reading("monotone", None)]
    assert [r.text for r in found] == ["704.3 ± 33, 640 to 770 (95%)", "1,200", "-1", "0.5", "yes", "-", "-"]


@pytest.mark.parametrize(("reading", "text"), [
    (Reading("barrier_test", 0.0125, None, 0.009, 0.016), "1.25 points, 0.9 to 1.6 (95%)"),
    (Reading("gain", 0.0125, None, 0.009, 0.016), "1.25 points, 0.9 to 1.6 (90%)"),
    (Reading("certified_bound", 1.25), "125 %"), (Reading("oracle_kl", 123456.7), "123,457 nats"),
    (Reading("share_negative", 0.031, 0.002), "3.1 ± 0.2 %"), (Reading("x", float("nan")), "nan"),
    (Reading("certified_sample_term", 0.031), "3.1 points"), (Reading("certified_input_cost", 44.361), "44.36 nats"),
    (Reading("test_accuracy", 0.9734), "97.34 %"), (Reading("first_test_error", 0), "0 %"),
    (Reading("tiny", 1.23456e-7), "1.235e-07")])
def test_units(reading: Reading, text: str) -> None:
    assert reading.text == text


def summaries() -> list[dict[str, float | int | str | bool | None]]:
    """Those of all examples."""
    found = []
    for path in sorted(FOLDER.glob("*.h5")):
        with h5py.File(path) as file:
            found.append(json.loads(file.attrs["summary_json"]))
    return found


def test_every_number_of_the_examples_has_its_unit() -> None:
    found = summaries()
    assert len(found) > 100
    floats = {reading.name for summary in found for reading in readings(summary) if isinstance(reading.value, float)}
    assert sorted(floats - UNITS.keys() - NO_UNIT) == []
    assert not UNITS.keys() & NO_UNIT
    assert not [name for name in UNITS if name.rpartition("_")[2] in PARTS]


def test_the_band_of_chance_is_beside_what_chance_gives() -> None:
    found = readings({"both": 300, "both_expected": 234.0, "both_expected_low": 210, "both_expected_high": 258})
    assert [r.text for r in found] == ["300", "234 weights, 210 to 258 (95%)"]
