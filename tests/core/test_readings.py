"""Values of summaries as people read them."""

from __future__ import annotations

import pytest

from lth_engine.core.readings import Reading, readings


def test_errors_and_intervals_stand_beside_their_value() -> None:
    found = readings({"trace": 704.31, "trace_stderr": 33.0, "trace_low": 640.0, "trace_high": 770.0, "products": 1200,
                      "lowest": -1.0, "share_low": 0.5, "reached": True, "note": "", "monotone": None})
    assert found == [Reading("trace", 704.31, 33.0, 640.0, 770.0), Reading("products", 1200), Reading("lowest", -1.0),
                     Reading("share_low", 0.5), Reading("reached", True), Reading("note", ""),
                     Reading("monotone", None)]
    assert [r.text for r in found] == ["704.3 ± 33, 640 to 770 (95%)", "1,200", "-1", "0.5", "yes", "none", "-"]


@pytest.mark.parametrize(("reading", "text"), [
    (Reading("barrier_test", 0.0125, None, 0.009, 0.016), "1.25 points, 0.9 to 1.6 (95%)"),
    (Reading("certified_bound", 1.25), "125 %"), (Reading("oracle_kl", 123456.7), "123,457 nats"),
    (Reading("share_negative", 0.031, 0.002), "3.1 ± 0.2 %"), (Reading("x", float("nan")), "nan"),
    (Reading("first_test_error", 0), "0 %"), (Reading("tiny", 1.23456e-7), "1.235e-07")])
def test_units(reading: Reading, text: str) -> None:
    assert reading.text == text
