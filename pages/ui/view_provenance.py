"""Where an answer came from, how to get it again, and the answer as a file."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import streamlit as st

from lth_engine.core.sizes import size
from pages.ui import share
from pages.ui.lab import lab
from pages.ui.searching import Searching
from pages.ui.words import duration, literal, short_name, when


def provenance(states: list[Searching]) -> None:
    """Provenance, reproduction and download of each search."""
    for state in states:
        with st.container(border=True):
            st.subheader(literal(short_name(state.search)), anchor=False)
            _facts(state)
            st.caption("Ask it again")
            st.code(share.command(state.search), language="bash", wrap_lines=True)
            _files(state)
            with st.expander("The question as JSON"):
                st.code(json.dumps(state.search.to_dict(), indent=2), language="json")


def _facts(state: Searching) -> None:
    facts = {"Key": state.search.key, "Runs stored": f"{len(state.runs)} ({size(_bytes(state))})",
             "Training": duration(sum(row.seconds for row in state.runs.values()))}
    if state.row is not None:
        artifact = lab().store.get(state.row.key)
        source = artifact.provenance
        facts |= {"Finished": when(source.created), "Host": source.host, "Device": source.device,
                  "CPU threads": str(source.threads), "Commit": source.commit or "unknown",
                  "Software": ", ".join(f"{name} {version}" for name, version in source.software.items()),
                  "Content SHA-256": artifact.content_sha256, "Built on": f"{len(artifact.parents)} stored answers"}
    st.table({"": list(facts), " ": list(facts.values())}, hide_index=True, border="horizontal")


def _bytes(state: Searching) -> int:
    return sum(row.bytes for row in state.runs.values())


def _files(state: Searching) -> None:
    with st.container(horizontal=True):
        if state.row is not None:
            st.download_button("Table and verdict (HDF5)", lambda: bundle([state.search.key]), on_click="ignore",
                               file_name=f"{state.search.key}.h5", mime="application/x-hdf5",
                               icon=":material/download:", key=f"h5.{state.search.key}")
        keys = [row.key for row in state.runs.values()] + ([state.search.key] if state.row is not None else [])
        st.download_button(f"With every run (HDF5, {size(_bytes(state))})", lambda: bundle(keys), on_click="ignore",
                           file_name=f"{state.search.key}-all.h5", mime="application/x-hdf5",
                           icon=":material/download:", key=f"h5all.{state.search.key}")


def bundle(keys: list[str]) -> bytes:
    """The artifacts in one self-contained HDF5 file, each under its key."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.h5"
        lab().store.export(keys, path)
        return path.read_bytes()
