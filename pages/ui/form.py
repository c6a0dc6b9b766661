"""A form made from the declaration of a Spec: its knobs, parts and choices, checked by the Spec itself."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import streamlit as st

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import Knob, knobs
from lth_engine.core.spec import Spec, catalogue, is_family, is_spec
from lth_engine.specs.data import OwnImages
from pages.ui.fields import field, hint, label
from pages.ui.own_images import path_input
from pages.ui.words import literal

Values = Mapping[str, Any]


FILLED = ("fingerprint",)
"""Knobs that the lab fills in itself."""


class Incomplete(BadInput):
    """Some field is wrong; its sentence stands beside it already."""


def part(owner: type[Spec], start: Values, key: str, columns: int = 2, only: tuple[str, ...] | None = None, *,
         flat: bool = False) -> dict[str, Any]:
    """Draw the knobs of a Spec class that are no parts themselves, then its parts; advanced ones behind "More".

    Args:
        owner: the class.
        start: values by knob name to begin with; what is missing takes its default.
        key: prefix of the widgets' keys.
        columns: fields side by side.
        only: the knobs to draw; all of them if None.
        flat: draw advanced knobs like the others.

    Returns:
        values by knob name.

    Raises:
        Incomplete: a field is wrong; all fields have been drawn nevertheless.
    """
    chosen = [k for k in knobs(owner) if (only is None or k.name in only) and k.name not in FILLED]
    hidden = [k for k in chosen if k.advanced and not flat]
    values, wrong = _drawn(owner, [k for k in chosen if k not in hidden], start, key, columns, flat=flat)
    if hidden:
        kept = {k.name: start.get(k.name, k.default) for k in hidden}
        changed = ", ".join(label(k).lower() for k in hidden if kept[k.name] != k.default)
        more, bad = kept, False
        with opened(f"More settings: {owner.title or owner.name}" + f" (set: {changed})" * bool(changed), key) as draw:
            if draw:
                more, bad = _drawn(owner, hidden, start, key, columns, flat=True)
        values, wrong = values | more, wrong or bad
    if wrong:
        raise Incomplete("Correct the marked fields.")
    return values


@contextmanager
def opened(words: str, key: str) -> Iterator[bool]:
    """An expander whose content is drawn from the first time on that somebody opens it: yields whether to draw."""
    place = st.expander(words, key=f"{key}.more", on_change="rerun")
    seen = f"{key}.seen"
    if place.open:
        st.session_state[seen] = True
    with place:
        yield bool(st.session_state.get(seen, False))


def branch(knob: Knob, start: Any, key: str, *, fresh: Values | None = None, flat: bool = False) -> Spec:
    """Draw a knob that is a Spec: pick the member if it is a family, then its own knobs.

    Args:
        knob: the knob.
        start: the spec to begin with; the knob's default if it is none.
        key: prefix of the widgets' keys.
        fresh: specs that members begin with when they are picked anew, by name, where not with their defaults.
        flat: draw advanced knobs like the others.

    Raises:
        Incomplete: a field below is wrong, or the values do not go together (then said here).
    """
    begin = start if isinstance(start, Spec) else knob.default
    cls: type[Spec] = type(begin)
    if is_family(knob.type):
        members = {name: cls for name, cls in catalogue(knob.type.family).items()
                   if name == begin.name or not getattr(cls, "brought", False)}
        name = st.selectbox(label(knob), list(members), index=list(members).index(begin.name), help=hint(knob),
                            format_func=lambda n: members[n].title or n, key=f"{key}.name", persist_state="session")
        cls = members[name]
        st.caption(about(cls))
    same = begin if isinstance(begin, cls) else (fresh or {}).get(cls.name) or cls()
    values = {k.name: getattr(same, k.name) for k in knobs(cls)}
    return build(cls, part(cls, values, f"{key}.{cls.name}", flat=flat))


def build(cls: type[Spec], values: Values) -> Spec:
    """The spec of these values.

    Raises:
        Incomplete: they do not go together; the sentence has been drawn.
    """
    try:
        return cls(**values)
    except BadInput as error:
        st.error(literal(error), icon=":material/error:")
        raise Incomplete(str(error)) from error


def about(cls: type[Spec]) -> str:
    """What a member of a family is: its facts, or its docstring."""
    return getattr(cls, "facts", "") or " ".join((inspect.getdoc(cls) or "").split())


def _drawn(owner: type[Spec], chosen: list[Knob], start: Values, key: str, columns: int, *, flat: bool,
           ) -> tuple[dict[str, Any], bool]:
    """The fields of these knobs, then their parts; the values, and whether something is wrong."""
    plain = sorted((k for k in chosen if not is_spec(k.type)), key=lambda k: k.name != "path")
    values, wrong = _fields(owner, plain, start, key, columns)
    for knob in chosen:
        if is_spec(knob.type):
            try:
                values[knob.name] = branch(knob, start.get(knob.name), f"{key}.{knob.name}", flat=flat)
            except Incomplete:
                wrong = True
    return values, wrong


def _fields(owner: type[Spec], chosen: list[Knob], start: Values, key: str, columns: int,
            ) -> tuple[dict[str, Any], bool]:
    values: dict[str, Any] = {}
    wrong = False
    for row in _rows(owner, chosen, columns):
        cells = [st.container()] if _wide(owner, row[0]) else st.columns(columns)
        for knob, cell in zip(row, cells, strict=False):
            with cell:
                try:
                    values[knob.name] = _one(owner, knob, start, f"{key}.{knob.name}")
                except BadInput:
                    wrong = True
    return values, wrong


def _one(owner: type[Spec], knob: Knob, start: Values, key: str) -> Any:
    if owner is OwnImages and knob.name == "path":
        return path_input(start, key)
    return field(owner.name, knob, start.get(knob.name, knob.default), key)


def _rows(owner: type[Spec], chosen: list[Knob], columns: int) -> list[list[Knob]]:
    """The fields in rows; one that needs the width has a row to itself."""
    rows: list[list[Knob]] = []
    for knob in chosen:
        if rows and len(rows[-1]) < columns and not _wide(owner, knob) and not _wide(owner, rows[-1][0]):
            rows[-1].append(knob)
        else:
            rows.append([knob])
    return rows


def _wide(owner: type[Spec], knob: Knob) -> bool:
    return typing.get_origin(knob.type) is tuple or (owner is OwnImages and knob.name == "path")
