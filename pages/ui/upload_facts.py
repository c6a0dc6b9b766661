"""The facts of a card: the numbers in a row, and the rest of what the file says in a panel."""

from __future__ import annotations

import streamlit as st

from lth_engine.core.sizes import size
from pages.ui.explaining import Number, numbers
from pages.ui.upload_card import Card, number, part, text, texts, whole
from pages.ui.words import literal, percent


def show(card: Card) -> None:
    """Density, weights, precision and epoch."""
    numbers(list(_numbers(card)), "upload.facts")


def _numbers(card: Card) -> list[Number]:
    density, kept, prunable = number(card, "density"), whole(card, "kept"), whole(card, "prunable")
    values, tensors = whole(card, "parameters"), whole(card, "tensors")
    found = []
    if density is not None:
        found.append(Number("Density", percent(density), "density",
                            f"{kept:,} of {prunable:,} prunable weights" if kept is not None and prunable else ""))
    found += [Number("Parameters", f"{values or 0:,}", "", f"{tensors or 0:,} tensors in the file"),
              Number("Precision", _precision(card), "", f"{size(number(card, 'bytes') or 0)} as a file")]
    epoch = whole(card, "epoch")
    if epoch is not None:
        found.append(Number("Epoch", f"{epoch:,}", "", "as the file says"))
    return found


def _precision(card: Card) -> str:
    kinds = [str(kind) for kind in part(card, "precision")]
    return literal(kinds[0]) if kinds else "none"


def details(card: Card) -> None:
    """Format, wrappers, what lay beside, what was ignored, facts and the hash."""
    with st.expander("The file: format, wrappers, what was left unread", icon=":material/folder_zip:"):
        rows = {"Format": text(card, "format"), "Masks": text(card, "masks") or "none",
                "Wrapped in": ", ".join(texts(card, "wrappers")) or "nothing",
                "Beside the network": ", ".join(texts(card, "beside")) or "nothing",
                "Left unread": ", ".join(texts(card, "ignored")) or "nothing",
                "Numbers": ", ".join(f"{kind}: {count:,}" for kind, count in part(card, "precision").items()
                                     if isinstance(count, int))}
        st.dataframe({"": list(rows), "What": list(rows.values())}, hide_index=True, key="upload.file")
        if texts(card, "ignored"):
            st.caption("What was left unread are Python objects that are no tensors. Nothing of them was run.")
        for note in texts(card, "notes"):
            st.markdown(f":material/info: {literal(note)}")
        facts = part(card, "facts")
        if facts:
            st.markdown("**What the file says of itself**")
            st.dataframe({"Where": [str(k) for k in facts], "Value": [str(v) for v in facts.values()]},
                         hide_index=True, key="upload.said")
        if text(card, "sha256"):
            st.markdown("**SHA-256 of the file**, to tell others which one it was")
            st.code(text(card, "sha256"), language=None, wrap_lines=True)
