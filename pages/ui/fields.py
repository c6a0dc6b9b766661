"""One input for one knob: the widget that its type asks for, its help, and its error beside it."""

from __future__ import annotations

import math
import typing
from typing import Any

import streamlit as st

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import Knob
from pages.ui.words import literal

_LABELS = {"lr": "Learning rate", "flip": "Mirror images", "crop": "Shift images", "beta1": "Beta 1",
           "beta2": "Beta 2", "form": "Form of momentum", "rate_batch": "Batch size of the learning rate",
           "term": "Term of the loss", "flatness": "Flat minima", "rule": "Rule of the count",
           "whole": "Whole length after rewinding", "compile": "Compile the network",
           "at": "End or start of the run", "part": "Training or test images", "images": "Number of images",
           "error": "Standard error to reach", "most_products": "Most products with the Hessian"}

SIDE_BY_SIDE = 26
"""Letters of up to four choices that fit side by side in a third of the page."""

_GREATEST = 2**52
"""Every whole number up to it is exact in a browser."""


def label(knob: Knob) -> str:
    """The knob's name for people, with its unit."""
    words = _LABELS.get(knob.name, knob.name.replace("_", " ").capitalize())
    return words + (f" ({knob.unit})" if knob.unit else "")


def hint(knob: Knob) -> str:
    """Help, range and source of a knob."""
    facts = [knob.help]
    if knob.bounds and knob.choices is None:
        facts.append(f"Range: {knob.bounds}.")
    if knob.source:
        facts.append(f"Source: {knob.source}.")
    return " ".join(facts)


def field(owner: str, knob: Knob, value: Any, key: str) -> Any:
    """Draw the knob's input with `value` in it.

    Returns:
        the checked value.

    Raises:
        BadInput: what was typed is not allowed; the sentence stands below the input already.
    """
    raw = _widget(knob, value, key)
    try:
        return knob.check(owner, raw)
    except BadInput as error:
        st.error(literal(error), icon=":material/error:")
        raise


def _widget(knob: Knob, value: Any, key: str) -> Any:
    shared: dict[str, Any] = {"label": label(knob), "help": hint(knob), "key": key, "persist_state": "session"}
    if typing.get_origin(knob.type) is tuple:
        return _several(knob, value, shared)
    if knob.choices is not None:
        return _choice(knob, value, shared)
    if knob.type is bool:
        return st.toggle(value=value, **shared)
    if knob.type is int:
        return st.number_input(value=_whole(value), step=1, **shared)
    if knob.type is float:
        return st.number_input(value=value, step=_step(value), format="%g", **shared)
    return st.text_input(value=str(value), **shared)


def _whole(value: int) -> int:
    """The number, or the nearest that a browser counts exactly; then that is said."""
    nearest = max(-_GREATEST, min(_GREATEST, value))
    if nearest != value:
        st.warning(f"The form holds whole numbers up to {_GREATEST}, so {nearest} took the place of {value}.",
                   icon=":material/edit:")
    return nearest


def _choice(knob: Knob, value: Any, shared: dict[str, Any]) -> Any:
    choices = list(knob.choices or ())
    if len(choices) <= 4 and sum(len(str(c)) for c in choices) < SIDE_BY_SIDE:
        return st.segmented_control(options=choices, default=value, required=True, **shared)
    return st.selectbox(options=choices, index=choices.index(value), **shared)


def _several(knob: Knob, value: Any, shared: dict[str, Any]) -> Any:
    if knob.choices is not None:
        return st.pills(options=list(knob.choices), default=list(value), selection_mode="multi",
                        format_func=lambda name: str(name).replace("_", " "), **shared)
    typed = st.text_input(value=" ".join(map(str, value)), **shared)
    return tuple(typed.replace(",", " ").split())


def _step(value: float) -> float:
    """A step of the arrows that suits the size of the value."""
    return float(10.0 ** math.floor(math.log10(abs(value)))) if value else 0.1
