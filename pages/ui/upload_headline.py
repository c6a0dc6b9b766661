"""The headline of a card: one sentence that can be read aloud."""

from __future__ import annotations

import streamlit as st

from pages.ui.upload_card import Card, findings, number, part, severity, text, whole
from pages.ui.words import literal, percent

DENSE = 0.999
"""Density from which on a network counts as dense: a trained network has a few exact zeros by chance."""


def show(card: Card) -> None:
    """The sentence, and below it the file's name and what could not be told."""
    st.subheader(literal(sentence(card)), anchor=False)
    st.caption(literal(text(card, "name")) + " · " + " · ".join(literal(word) for word in _source(card)))


def sentence(card: Card) -> str:
    """As "ResNet-20, option A, 10 classes: a ticket of 10.7 % density, trained"."""
    return f"{network(card)}: {', '.join(filter(None, (sparsity(card), training(card))))}."


def network(card: Card) -> str:
    """What network it is."""
    known = part(card, "architecture")
    if not known:
        near = part(card, "nearest")
        if near.get("applies") is True:
            return f"{near_words(near)} under other names"
        return f"No network of this lab fits; the nearest is {near_words(near)}" if near else \
            "A network that this lab does not know"
    classes = whole(card, "classes")
    first = next((w for w in text(known, "variant").split(", ") if w.startswith("option ")), "")
    ends = f"{classes:,} {'class' if classes == 1 else 'classes'}" if classes else ""
    return ", ".join(filter(None, (text(known, "name"), first, ends)))


def near_words(near: Card) -> str:
    """A network by name and variant."""
    return ", ".join(filter(None, (text(near, "name"), text(near, "variant"))))


def sparsity(card: Card) -> str:
    """Whether it is dense, sparse, or a ticket with masks, and at which density."""
    density, masks = number(card, "density"), text(card, "masks")
    if density is None:
        return "no prunable weights"
    if density >= DENSE:
        return "dense"
    if masks in ("", "none"):
        return f"sparse, {percent(density)} of its weights are not zero"
    if masks == "exact zeros":
        return f"sparse, {percent(density)} density"
    return f"a ticket of {percent(density)} density"


def training(card: Card) -> str:
    """Whether it is damaged, or trained: no finding says that it is, or may be, a fresh draw."""
    if text(card, "format") == "ticket passport":
        return "as its passport"
    worst = {text(f, "code"): severity(f) for f in reversed(findings(card))}
    if worst.get("non_finite") == "problem":
        return "damaged"
    said = worst.get("untrained")
    if said == "warning":
        return "its weights a fresh draw"
    epoch = whole(card, "epoch")
    if said == "note" or number(card, "density") is None:
        return f"epoch {epoch:,}" if epoch else ""
    return f"trained, epoch {epoch:,}" if epoch else "trained"


def _source(card: Card) -> list[str]:
    digest = text(card, "sha256")
    return [text(card, "format") or "unknown format", *([f"SHA-256 {digest[:8]}..."] if digest else []),
            *filter(None, [text(part(card, "architecture"), "variant")])]
