"""The rules of the key, and one pinned key a class: an address that moves loses stored answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.specs.finding import Imp, OneShot
from lth_engine.specs.models import CifarResnet
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.training import Training
from tests.specs.members import MEMBERS

GOLDEN = Path(__file__).parent.parent / "golden" / "keys.json"


def test_no_key_moved() -> None:
    """To pin a new class, add the line that this test prints; a line that is there never changes."""
    now = {name: cls().key for name, cls in MEMBERS.items()}
    pinned = json.loads(GOLDEN.read_text())
    assert now == pinned, json.dumps({n: k for n, k in now.items() if pinned.get(n) != k}, indent=1)


def define(fields: dict[str, Any], **facts: Any) -> Spec:
    """A spec called toy with these knobs (name -> field), in no catalogue."""
    body = {"__annotations__": {n: f.type for n, f in fields.items()}, "family": "toy", "name": "toy",
            "__module__": __name__}
    declared = {n: knob(f.default, "A knob.", added=f.added) for n, f in fields.items()}
    return dataclass(frozen=True, kw_only=True)(type("Toy", (Spec,), body | declared | facts))()


@dataclass(frozen=True)
class Field:
    """One knob of a toy spec."""

    default: Any
    type: Any = int
    added: bool = False


OLD = define({"a": Field(1)})


def test_a_knob_added_later_moves_nothing_at_its_default() -> None:
    younger = define({"a": Field(1), "b": Field(0, added=True)})
    assert younger.key == OLD.key
    assert younger.replace(b=1).key != OLD.key
    assert define({"a": Field(1), "b": Field(0)}).key != OLD.key


def test_a_changed_default_moves_the_key_and_the_old_question_keeps_its_address() -> None:
    changed = define({"a": Field(2)})
    assert changed.key != OLD.key
    assert changed.replace(a=1).key == OLD.key


def test_a_renamed_knob_and_a_revision_move_the_key() -> None:
    assert define({"z": Field(1)}).key != OLD.key
    assert define({"a": Field(1)}, revision=2).key != OLD.key
    assert define({"a": Field(1)}, revision=1).key == OLD.key


def test_the_order_of_knobs_does_not_matter() -> None:
    one, other = define({"a": Field(1), "b": Field(2)}), define({"b": Field(2), "a": Field(1)})
    assert one.key == other.key


@pytest.mark.parametrize(("one", "other"), [
    (Training(batch_size=64), Training()),
    (TicketSearch(model=CifarResnet(depth=20)), TicketSearch(model=CifarResnet(depth=32))),
    (TicketSearch(search=Imp()), TicketSearch(search=OneShot())),
])
def test_a_knob_deep_inside_moves_the_key(one: Spec, other: Spec) -> None:
    assert one.key != other.key


def test_equal_questions_written_differently_share_a_key() -> None:
    training = {"length": "20ep", "optimizer": {"lr": 0.1}}
    written = TicketSearch.from_dict({"training": training, "model": "lenet_300_100"})
    assert written.key == TicketSearch().key
    assert TicketSearch(margin=1).key == TicketSearch(margin=1.0).key
