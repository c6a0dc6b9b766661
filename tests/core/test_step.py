"""A Step is read, written and converted exactly."""

from __future__ import annotations

import pytest

from lth_engine.core.errors import BadInput
from lth_engine.core.step import Step


@pytest.mark.parametrize(("text", "count", "unit"), [("2ep", 2, "ep"), ("500it", 500, "it"), (" 0 it ", 0, "it")])
def test_reads_what_it_writes(text: str, count: int, unit: str) -> None:
    step = Step.parse(text)
    assert (step.count, step.unit) == (count, unit)
    assert Step.parse(str(step)) == step
    assert Step.parse(step) is step


@pytest.mark.parametrize("text", ["", "2", "ep", "-1ep", "2.5ep", "2 epochs", "2ep 3it", "0x2ep", None, 2,
                                  "1234567890ep"])
def test_refuses_what_is_no_step(text: str) -> None:
    with pytest.raises(BadInput, match="2ep"):
        Step.parse(text)


def test_refuses_unknown_unit_and_negative_count() -> None:
    with pytest.raises(BadInput, match="counted in"):
        Step(1, "s")
    with pytest.raises(BadInput, match="negative"):
        Step(-1)


def test_epochs_become_iterations() -> None:
    assert Step(3).iterations(469) == 469 + 469 + 469
    assert Step(500, "it").iterations(469) == 500


def test_steps_of_unknown_epoch_length_have_no_order() -> None:
    with pytest.raises(TypeError):
        Step(1) < Step(2)  # type: ignore[operator]  # noqa: B015


def test_reads_nine_digits_and_repeats_no_flood() -> None:
    assert Step.parse("999999999it").count == 999_999_999
    with pytest.raises(BadInput, match="at most 9 digits") as told:
        Step.parse("9" * 100_000 + "ep")
    assert len(str(told.value)) < 350
