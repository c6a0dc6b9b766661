"""The states of a file that are not a card: nothing brought yet, being read, not read."""

from __future__ import annotations

import streamlit as st

from lth_engine.gate.limits import Limits
from pages.ui import upload_held
from pages.ui.prose import prose
from pages.ui.upload_card import Card, status, text, whole
from pages.ui.upload_held import Brought
from pages.ui.words import counted, literal, with_code

WALL = Limits().seconds
"""Seconds that the reading of a file may take."""

_TITLES = {"refused": "Not read: the file was refused", "unreadable": "Not read: the file is not whole or not known"}
_ICONS = {"refused": ":material/gpp_bad:", "unreadable": ":material/broken_image:"}


def nothing() -> None:
    """What can be brought, and what happens to it."""
    st.markdown(prose("upload"))


@st.fragment(run_every=1.0)
def reading(slot: str, brought: Brought) -> None:
    """What is being done, and how to stop it."""
    with st.container(border=True):
        st.markdown(f":material/hourglass_top: {waiting(brought)}")
        share, words = _share(brought)
        st.progress(share, text=words)
        if st.button("Stop", icon=":material/cancel:", key=f"upload.{slot}.stop"):
            upload_held.drop(slot)
            st.rerun()


def _share(brought: Brought) -> tuple[float, str]:
    """How far a reading is: networks of a directory, or seconds of those that it may take."""
    said = dict(brought.reading.said[-1]) if brought.reading.said else {}
    done, of = whole(said, "done"), whole(said, "of")
    if done is not None and of:
        return min(1.0, max(0.0, done / of)), f"{done:,} of {counted(of, 'network')}"
    spent = brought.reading.seconds()
    if brought.directory:
        return 0.0, f"listing its files, {spent:.0f} s"
    return min(1.0, spent / WALL), f"{spent:.0f} s of at most {WALL:.0f}"


def waiting(brought: Brought) -> str:
    """What a reading is at: a line of others, or its stage."""
    before, name = brought.reading.before(), literal(brought.name)
    if brought.reading.since is None:
        others = f"{counted(before, 'file')} before it" if before else "it is next"
        return f"**{name}** waits its turn: {others}. Two files are read at a time."
    if brought.reading.stage:
        return f"**{name}**: {literal(brought.reading.stage)}. Nothing in it is run."
    if brought.directory:
        return (f"Reading **{name}**: its networks one after the other, each in a separate process that may use 2 GB "
                "and 20 s. Nothing in it is run.")
    return (f"Reading **{name}**: its tensors are taken out in a separate process that may use 2 GB and 20 s. Nothing "
            "in it is run.")


def not_read(card: Card) -> None:
    """Why a file was not read, where it happened, and what to do next."""
    kind = status(card)
    reason = text(card, "reason") or "Reading stopped before it could say why. Try the file once more."
    with st.container(border=True):
        st.subheader(_TITLES[kind], anchor=False)
        st.error(with_code(reason), icon=_ICONS[kind])
        st.text(text(card, "name"))
        if text(card, "sha256"):
            st.caption("SHA-256, to tell others which file it was")
            st.code(text(card, "sha256"), language=None, wrap_lines=True)
        st.markdown("Nothing in the file was run, and this lab's copy of it is deleted. If it is yours, save the "
                    'weights alone (`torch.save(model.state_dict(), "model.pt")`, or as safetensors) and bring that.')
