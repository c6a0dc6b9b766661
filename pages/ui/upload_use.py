"""Using a file in the lab: choose images that fit, keep its clean copy, then look at it on every page."""

from __future__ import annotations

import streamlit as st

from lth_engine.core.errors import BadInput, LotteryError
from lth_engine.core.spec import catalogue
from lth_engine.specs.data import DataSpec, OwnImages
from lth_engine.specs.imported import Imported
from lth_engine.specs.normalising import NORMALISATIONS, OWN
from lth_engine.specs.questions import TicketSearch
from pages.ui import lab, upload_held, upload_links
from pages.ui.asked import known_questions
from pages.ui.guard import refused
from pages.ui.own_images import path_input, with_fingerprint
from pages.ui.upload_card import Card, part
from pages.ui.upload_held import Brought
from pages.ui.upload_images import fitting, wanted
from pages.ui.upload_keep import Family, hashes, keep, members, search_of, searches
from pages.ui.words import counted, literal


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
    family = _family(card)
    data = _images(card)
    if data is None:
        return
    st.button("Bring it into the lab", icon=":material/move_to_inbox:", type="primary", key="upload.use.bring",
              disabled=not lab.lab().store.writable, on_click=_bring, args=(brought, data, family),
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
        if name == OwnImages.name:
            return OwnImages(path=path_input({}, "upload.use.own"), normalise=how)
        return split_as_here(sets[name](normalise=how))
    except BadInput:
        return None


def split_as_here(data: DataSpec) -> DataSpec:
    """The images, split as in the newest search that the lab made of them, so that networks of both can be compared;
    as they are if there is none."""
    for search in known_questions([TicketSearch.name]).values():
        if isinstance(search, TicketSearch) and search.data.name == data.name \
                and not isinstance(search.search, Imported):
            return search.data.replace(normalise=data.normalise)
    return data


def _family(card: Card) -> Family | None:
    """Which search of a directory; None for a single file, or where no level is there in all replicates."""
    if not part(card, "directory"):
        return None
    found = searches(card)
    if not found:
        st.caption("No level of this folder is there in all of its replicates, so the network above is brought alone.")
        return None
    if len(found) == 1:
        return found[0]
    return st.selectbox(f"One of {len(found)} searches in this folder", found, key="upload.use.family", width=420,
                        format_func=lambda one: f"{literal(one[0] or 'the folder')}, {literal(one[1])}: "
                        f"{counted(len(members(card, one)), 'network')}")


def _bring(brought: Brought, data: DataSpec, family: Family | None) -> None:
    try:
        into_lab(brought, data, family)
    except (LotteryError, OSError) as error:
        refused(error)


def into_lab(brought: Brought, data: DataSpec, family: Family | None = None) -> TicketSearch:
    """Keep the clean copies of a file that was read, and ask for its search; the address then names it.

    Args:
        brought: the file.
        data: the images that it is looked at with.
        family: which search of a directory.

    Raises:
        LotteryError: no network of the lab fits, its copy is gone, or the store cannot be written.
        OSError: the system refuses.
    """
    if brought.card is None or brought.clean is None:
        raise BadInput("The lab's copy of this file has been deleted. Bring it again.")
    asked = with_fingerprint(search_of(brought.card, brought.sha256, brought.name, data, family))
    needed = hashes(asked)
    copies = {name: brought.place / f"{name}.safetensors" for name in needed}
    keep(copies | {brought.sha256: brought.clean}, needed, lab.lab().data_root)
    lab.submit(asked)
    brought.search = asked
    if brought is upload_held.brought("first"):
        st.query_params[upload_links.PARAMETER] = asked.key
    return asked
