"""Why a file fits no network of the lab, and what would: the nearest one, key by key, and one click to rename."""

from __future__ import annotations

import functools

import streamlit as st

from pages.ui import upload_gate as gate
from pages.ui.upload_card import Card, part, shape_words, status, text, texts
from pages.ui.upload_headline import near_words
from pages.ui.upload_held import Brought, ask
from pages.ui.words import counted, literal

_OF_THE_FILE = ("name", "bytes", "sha256", "format", "wrappers", "beside", "ignored", "epoch", "facts", "tensors")
"""What a card says of the file as it was brought."""


def show(brought: Brought) -> None:
    """The nearest network, or that nothing is near; nothing where a network fits."""
    card = brought.card or {}
    near = part(card, "nearest")
    if part(card, "architecture"):
        _renamed(part(card, "architecture"))
        return
    st.subheader("Why does it not fit?", anchor=False)
    if not near:
        st.info("No network of the lab is near. What weights alone tell is below: densities, health and spectra. "
                "Curvature, connectivity and everything with images need a known network.", icon=":material/help:")
        return
    st.markdown(f"The nearest network of the lab is **{literal(near_words(near))}**: " + _count(near) + ".")
    with st.expander("Key by key", icon=":material/difference:", expanded=not near.get("applies")):
        st.dataframe(rows(near), hide_index=True, key="upload.nearest")
    if near.get("applies") is True and brought.clean is not None:
        st.markdown("Only the names differ: with the renaming applied it is that network.")
        st.button("Apply the renaming", icon=":material/drive_file_rename_outline:", type="primary",
                  key="upload.rename", on_click=_rename, args=(brought,))
    _renamed_meanwhile(brought)


def _rename(brought: Brought) -> None:
    renaming = {str(old): str(new) for old, new in part(part(brought.card or {}, "nearest"), "renaming").items()}
    if brought.clean is not None:
        ask(brought.asked, "renaming", "Renaming", functools.partial(
            gate.rename, brought.clean, brought.name, brought.place / "renamed.safetensors", renaming))


def _renamed_meanwhile(brought: Brought) -> None:
    """Take over the file under its new names; what it was on the disk stays said."""
    task = brought.asked.get("renaming")
    if task is None or not task.done:
        return
    reading = task.future.result()
    if status(reading.card) != "read" or reading.clean is None:
        st.warning(literal(text(reading.card, "reason")), icon=":material/info:")
        return
    kept = {name: value for name, value in (brought.card or {}).items() if name in _OF_THE_FILE}
    brought.card, brought.clean, brought.sha256 = {**reading.card, **kept}, reading.clean, reading.clean_sha256
    brought.asked.clear()
    st.rerun()


def _count(near: Card) -> str:
    missing, unexpected, shapes = texts(near, "missing"), texts(near, "unexpected"), _shapes(near)
    return ", ".join([f"{counted(len(missing), 'tensor')} of it not in the file",
                      f"{counted(len(unexpected), 'tensor')} of the file not in it",
                      f"{counted(len(shapes), 'shape')} that differ{'s' if len(shapes) == 1 else ''}"])


def _shapes(near: Card) -> list[tuple[str, str, str]]:
    found = near.get("shapes")
    return [(str(row[0]), shape_words(row[1]), shape_words(row[2])) for row in found
            if isinstance(row, list | tuple) and len(row) == 3] if isinstance(found, list | tuple) else []


def rows(near: Card) -> dict[str, list[str]]:
    """Every key that differs: what the file has, what the network wants, what would mend it."""
    lines = [("renamed", str(old), str(new)) for old, new in part(near, "renaming").items()]
    lines += [("other shape", f"{name}: {found}", wanted) for name, found, wanted in _shapes(near)]
    lines += [("not in the file", "", name) for name in texts(near, "missing")]
    lines += [("not in the network", name, "") for name in texts(near, "unexpected")]
    return {"Difference": [line[0] for line in lines], "In the file": [line[1] for line in lines],
            "In the network": [line[2] for line in lines]}


def _renamed(known: Card) -> None:
    """The names that were changed for a network that fits."""
    renaming = part(known, "renaming")
    if renaming:
        with st.expander(f"In the lab, {counted(len(renaming), 'tensor')} by another name",
                         icon=":material/difference:"):
            st.dataframe({"In the file": [str(name) for name in renaming],
                          "In the lab": [str(name) for name in renaming.values()]}, hide_index=True,
                         key="upload.renamed")


