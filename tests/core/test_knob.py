"""A knob lets through exactly what it declares, and says what was expected and what came."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from lth_engine.core.errors import BadInput, UnknownName
from lth_engine.core.knob import knob, knobs
from lth_engine.core.spec import Spec
from lth_engine.core.step import Step
from lth_engine.specs.questions import TicketSearch


@dataclass(frozen=True, kw_only=True)
class Toy(Spec):
    """A spec of every type of knob, in no catalogue."""

    family: ClassVar[str] = "toy"
    name: ClassVar[str] = "toy"
    closed: float = knob(0.5, "A closed range.", low=0, high=1)
    opened: float = knob(0.5, "An open range.", low=0, open_low=True, high=1, open_high=True)
    count: int = knob(3, "At least one.", low=1)
    free: float = knob(0.0, "Any number.")
    flag: bool = knob(False, "Yes or no.")
    text: str = knob("a", "One of two.", choices=("a", "b"))
    several: tuple[str, ...] = knob(("a",), "Some of two.", choices=("a", "b"))
    steps: tuple[Step, ...] = knob((), "Milestones.")
    length: Step = knob(Step(2), "A step.")


GOOD: list[tuple[str, Any, Any]] = [
    ("closed", 0, 0.0), ("closed", 1, 1.0), ("opened", 1e-9, 1e-9), ("count", 1, 1), ("free", -1e300, -1e300),
    ("flag", True, True), ("text", "b", "b"), ("several", ["b", "a"], ("b", "a")), ("several", (), ()),
    ("steps", ["1ep", Step(2, "it")], (Step(1), Step(2, "it"))), ("length", "5it", Step(5, "it")),
]
BAD: list[tuple[str, Any, str]] = [
    ("closed", 1.5, r"toy\.closed must be in \[0, 1\]\. Got 1\.5\."),
    ("closed", -1e-9, r"in \[0, 1\]"),
    ("closed", math.nan, r"Got nan"),
    ("opened", 0, r"toy\.opened must be in \(0, 1\)\. Got 0\."),
    ("opened", 1, r"in \(0, 1\)"),
    ("count", 0, r"toy\.count must be in \[1, inf\)\. Got 0\."),
    ("count", 1.0, r"toy\.count must be a whole number\. Got 1\.0\."),
    ("count", True, r"a whole number\. Got True"),
    ("free", math.inf, r"toy\.free must be a finite number\. Got inf\."),
    ("free", 10**400, r"toy\.free must be a number of at most 63 bits"),
    ("flag", 1, r"true or false\. Got 1"),
    ("text", "c", r"Unknown toy\.text: 'c'\..*Known: a, b"),
    ("text", None, r"must be a text\. Got None"),
    ("several", "a", r"toy\.several must be a list\. Got 'a'"),
    ("several", ["a", "z"], r"Unknown toy\.several: 'z'"),
    ("several", ["a", "a"], r"toy\.several names 'a' twice"),
    ("steps", ["1ep", "soon"], r"toy\.steps.*Got 'soon'"),
    ("length", "soon", r"toy\.length.*Got 'soon'"),
    ("length", 3, r"Got 3"),
    ("text", "\ud800", r"toy\.text must be a text that can be written as UTF-8\. Got '\\ud800'\."),
]


@pytest.mark.parametrize(("name", "given", "stored"), GOOD)
def test_lets_through(name: str, given: Any, stored: Any) -> None:
    value = getattr(Toy(**{name: given}), name)
    assert value == stored
    assert type(value) is type(stored)


@pytest.mark.parametrize(("name", "given", "text"), BAD)
def test_refuses(name: str, given: Any, text: str) -> None:
    with pytest.raises(BadInput, match=text):
        Toy(**{name: given})


def test_unknown_value_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean float32"):
        raise UnknownName("precision", "flot32", ["float32", "bfloat16"])


@pytest.mark.parametrize(("name", "given"), [("text", "c" * 10**6), ("text", ["c" * 10**6]), ("several", "c" * 10**6),
                                             ("length", "c" * 10**6), ("closed", "c" * 10**6)])
def test_a_long_value_is_not_repeated_whole(name: str, given: Any) -> None:
    with pytest.raises(BadInput, match=r"'ccc.*\.\.\.") as told:
        Toy(**{name: given})
    assert len(str(told.value)) < 400


def test_a_value_that_has_no_text_is_told_by_its_type() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadInput, match="a list too large to show"):
        Toy(text=deep)
    while deep:  # taken apart by hand: its own end would recurse too
        deep = deep[0]


def test_whole_bounds_are_exact() -> None:
    seed = knobs(TicketSearch)[[k.name for k in knobs(TicketSearch)].index("seed")]
    with pytest.raises(BadInput, match=r"in \[0, 4503599627370496\]\. Got 4503599627370497\."):
        seed.check("ticket_search", 2**52 + 1)


def test_bounds_in_words() -> None:
    words = {k.name: k.bounds for k in knobs(Toy)}
    assert words["closed"] == "in [0, 1]"
    assert words["opened"] == "in (0, 1)"
    assert words["count"] == "in [1, inf)"
    assert words["free"] == ""
    assert words["text"] == "one of a, b"


def test_a_spec_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Toy().count = 4  # type: ignore[misc]
