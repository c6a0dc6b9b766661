"""What holds for every spec: JSON and back, one key a question, a help text, a refusal in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knobs
from lth_engine.core.spec import KEY_LENGTH, Spec, from_dict
from tests.specs.members import HASHED, JUNK, MEMBERS, others


@pytest.fixture(params=sorted(MEMBERS))
def member(request: pytest.FixtureRequest) -> type[Spec]:
    return MEMBERS[request.param]


def changed(cls: type[Spec]) -> list[Spec]:
    """The spec with one knob changed, for each knob and each way that the spec as a whole allows."""
    made = []
    for k in knobs(cls):
        allowed = []
        for value in others(k):
            try:
                allowed.append(cls(**{k.name: value}))
            except BadInput:
                continue
        assert allowed or k.name in ("rewind", *HASHED), f"{cls.name}.{k.name} cannot be changed alone"
        made += allowed
    return made


def test_survives_json(member: type[Spec]) -> None:
    for spec in [member(), *changed(member)]:
        again = from_dict(member.family, json.loads(json.dumps(spec.to_dict(), allow_nan=False)))
        assert again == spec
        assert again.key == spec.key
        assert type(again) is member


def test_every_knob_moves_the_key(member: type[Spec]) -> None:
    specs = [member(), *changed(member)]
    assert len({spec.key for spec in specs}) == len(specs)
    assert all(len(spec.key) == KEY_LENGTH and set(spec.key) <= set("0123456789abcdef") for spec in specs)


def test_settings_left_out_are_the_defaults(member: type[Spec]) -> None:
    assert from_dict(member.family, member.name) == member()
    assert from_dict(member.family, {"name": member.name}) == member()


def test_is_explained(member: type[Spec]) -> None:
    assert member.title
    assert member.__doc__
    assert not member.__doc__.startswith(f"{member.__name__}("), "a docstring of its own, not the dataclass's"
    for k in knobs(member):
        assert k.help.endswith((".", "?")), f"{member.name}.{k.name}: one sentence"


def test_refuses_values_out_of_range(member: type[Spec]) -> None:
    for k in knobs(member):
        if k.low is None and k.high is None:
            continue
        step = 1 if k.type is int else 1e-6
        edges = [(k.low, -step, k.open_low), (k.high, step, k.open_high)]
        for edge, outwards, excluded in edges:
            if edge is None:
                continue
            at_edge, beyond = k.type(edge), k.type(edge) + outwards
            with pytest.raises(BadInput, match=rf"{member.name}\.{k.name} must be in"):
                k.check(member.name, at_edge if excluded else beyond)
            inside = at_edge - outwards if excluded else at_edge
            assert k.check(member.name, inside) == inside


def test_junk_is_refused_in_words(member: type[Spec]) -> None:
    for k in knobs(member):
        for junk in JUNK:
            refused_or_kept(member, {k.name: junk})
    for junk in JUNK:
        if junk != {}:
            with pytest.raises(BadInput):
                from_dict(member.family, junk)


def refused_or_kept(member: type[Spec], values: dict[str, Any]) -> None:
    """Junk either is a BadInput (a sentence) or a value that survives JSON."""
    try:
        spec = from_dict(member.family, {"name": member.name} | values)
    except BadInput as error:
        sentence = str(error)
    else:
        assert from_dict(member.family, json.loads(json.dumps(spec.to_dict(), allow_nan=False))) == spec
        return
    assert sentence.endswith((".", "?"))


def test_unknown_settings_and_names_are_refused(member: type[Spec]) -> None:
    with pytest.raises(BadInput, match="nonsense"):
        from_dict(member.family, {"name": member.name, "nonsense": 1})
    with pytest.raises(BadInput, match=rf"Unknown {member.family}: '{member.name}_'.*Did you mean {member.name}\?"):
        from_dict(member.family, member.name + "_")


def test_inputs_are_questions_of_their_own(member: type[Spec]) -> None:
    spec = member()
    for needed in spec.inputs():
        assert needed.key != spec.key
        assert from_dict(needed.family, needed.to_dict()) == needed
