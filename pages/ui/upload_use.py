"""Using a file in the lab: choose images that fit, keep its clean copy, then look at it on every page."""

from __future__ import annotations

import streamlit as st

from lth_engine.core.errors import BadInput, LotteryError
from lth_engine.core.spec import catalogue
from lth_engine.specs.data import DataSpec, OwnImages
from lth_engine.specs.normalising import NORMALISATIONS, OWN
from pages.ui import lab, upload_links
from pages.ui.guard import refused
from pages.ui.own_images import path_input, with_fingerprint
from pages.ui.upload_card import Card, part
from pages.ui.upload_held import Brought
from pages.ui.upload_images import fitting, wanted
from pages.ui.upload_keep import hashes, keep, search_of
from pages.ui.words import literal


def show(brought: Brought) -> None:
    """The panel; it says why where the file cannot be used."""
    card = brought.card or {}
    st.subheader("Use it in the lab", anchor=False)
    if not part(card, "architecture"):
        st.info("No network of the lab fits this file, so it cannot be shown images. What its weights tell is above.",
                icon=":material/block:")
        return
    if brought.clean is None:
        st.info("The lab's copy of this file has been deleted. Bring it again.", icon=":material/schedule:")
        return
    st.markdown("Accuracy class by class, calibration, curvature, landscape, bounds, connectivity, sanity checks: as "
                f"of a network that was trained here. It takes images of {literal(wanted(card))}.")
    data = _images(card)
    if data is None:
        return
    st.button("Bring it into the lab", icon=":material/move_to_inbox:", type="primary", key="upload.use.bring",
              disabled=not lab.lab().store.writable, on_click=_bring, args=(brought, data),
              help="Keeps a clean copy of its tensors, and nothing else of the file, in the lab's data folder.")


def _images(card: Card) -> DataSpec | None:
    """The images; None while they are not chosen, which has been said."""
    sets = catalogue("data")
    names = fitting(card)
    with st.container(horizontal=True):
        name = st.selectbox("Images that fit", names, key="upload.use.data", width=320,
                            format_func=lambda n: sets[n].title)
        how = st.selectbox("Pixels are normalised", [OWN, *NORMALISATIONS], key="upload.use.normalise", width=420,
                           format_func=lambda n: "with mean and deviation of these images" if n == OWN
                           else NORMALISATIONS[n].words,
                           help="As where it was trained. If you do not know: *Health on images* compares them all "
                                "and says which fits best.")
    try:
        more = {"path": path_input({}, "upload.use.own")} if name == OwnImages.name else {}
        return sets[name](**more, normalise=how)
    except BadInput:
        return None


def _bring(brought: Brought, data: DataSpec) -> None:
    """Keep the clean copy and ask for the search."""
    if brought.card is None or brought.clean is None:
        return
    try:
        asked = with_fingerprint(search_of(brought.card, brought.sha256, brought.name, data))
        needed = hashes(asked)
        copies = {name: brought.clean.with_name(f"{name}.safetensors") for name in needed}
        keep(copies | {brought.sha256: brought.clean}, needed, lab.lab().data_root)
        lab.submit(asked)
    except (LotteryError, OSError) as error:
        refused(error)
        return
    st.query_params[upload_links.PARAMETER] = asked.key
