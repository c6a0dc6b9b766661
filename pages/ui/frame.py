"""What surrounds every page: the table of pages, banners about the store, and teaching mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from lth_engine.core.errors import LotteryError
from pages.ui import lab
from pages.ui.guard import refused
from pages.ui.words import literal

ROOT = Path(__file__).resolve().parents[2]
ICON = ROOT / "assets" / "logo.svg"

_STYLE = """
<style>
[data-testid="stMainBlockContainer"] { padding-top: 3.5rem; }
@media (min-width: 900px) { .st-key-ask { position: sticky; top: 4rem; } }
</style>
"""

_TEACH = """
<style>
[data-testid="stAppViewContainer"] { font-size: 1.25rem; }
[data-testid="stMarkdownContainer"] p, [data-testid="stMarkdownContainer"] li { font-size: 1.3rem; line-height: 1.5; }
[data-testid="stHeading"] h1 { font-size: 3.4rem; }
[data-testid="stCaptionContainer"] p { font-size: 1.1rem; }
[data-testid="stTable"] th, [data-testid="stTable"] td { font-size: 1.2rem; }
[data-testid="stTable"] p { font-size: 1.2rem; }
[data-testid="stBadge"], [data-testid="stMarkdownBadge"] { font-size: 1.1rem; }
button p { font-size: 1.3rem !important; }
</style>
"""


def configure() -> None:
    """Icon and title; must come before the navigation, or the icon would be fetched from outside."""
    st.set_page_config(page_title="Lottery ticket lab", page_icon=str(ICON), layout="wide")


def teaching() -> bool:
    """Whether the address says ?teach=1."""
    return st.query_params.get("teach") == "1"


def page(path: str, title: str, icon: str, url: str, **more: Any) -> Any:
    """One entry of the table of pages; `path` is below pages/."""
    return st.Page(ROOT / "pages" / path, title=title, icon=f":material/{icon}:", url_path=url, **more)


def pages() -> dict[str, list[Any]]:
    """The table of pages, by section."""
    return {
        "": [page("start/home.py", "Start", "home", "start", default=True)],
        "Find": [page("find/ticket.py", "Find a ticket", "search", "find"),
                 page("find/near.py", "Search near initialization", "filter_center_focus", "near"),
                 page("find/methods.py", "Compare methods", "leaderboard", "methods")],
        "Explore": [page("explore/ticket.py", "Explore tickets", "query_stats", "explore"),
                    page("explore/compare.py", "Compare searches", "compare_arrows", "compare")],
        "Diagnose": [page("diagnose/upload.py", "Bring a file", "upload_file", "upload"),
                     page("diagnose/connectivity.py", "Connectivity", "timeline", "connectivity"),
                     page("diagnose/stability.py", "Stability", "anchor", "stability"),
                     page("diagnose/curvature.py", "Curvature", "ssid_chart", "curvature"),
                     page("diagnose/landscape.py", "Landscape", "landscape", "landscape"),
                     page("diagnose/bounds.py", "Bounds", "verified_user", "bounds"),
                     page("diagnose/sanity.py", "Sanity checks", "fact_check", "sanity")],
        "Transfer": [
            page("transfer/signs.py", "Signs", "exposure", "signs"),
            page("transfer/features.py", "Features", "move_down", "features"),
        ],
        "Runs": [page("runs/jobs.py", "Jobs", "list_alt", "jobs")],
    }


def link(path: str, label: str, icon: str, **params: str) -> None:
    """A link to a page below pages/, with query parameters; teaching mode is passed on."""
    if teaching():
        params["teach"] = "1"
    st.page_link(ROOT / "pages" / path, label=label, icon=f":material/{icon}:", query_params=params or None)


def navigation() -> Any:
    """Draw the frame and return the page to run."""
    teach = teaching()
    chosen = st.navigation(pages(), position="hidden" if teach else "sidebar")
    st.html(_STYLE)
    if teach:
        st.html(_TEACH)
    else:
        st.logo(str(ICON), size="large")
    if not banners():
        st.stop()
    return chosen


def banners() -> bool:
    """One sentence for each thing that is out of the ordinary; False if no page can be shown."""
    try:
        here = lab.lab()
    except (LotteryError, OSError) as error:
        refused(error)
        return False
    if not here.store.writable:
        st.warning(f"The store {literal(here.store.root)} cannot be written: you can look at everything, but nothing "
                   "can be started. Change the folder's permissions, or set LTH_STORE to another folder.",
                   icon=":material/lock:")
    else:
        _second_server()
    notice = here.queue.notice()
    if notice:
        st.warning(literal(notice), icon=":material/info:")
        if here.store.writable:
            st.button("I have read this", key="dismiss_notice", on_click=here.queue.dismiss_notice)
    return True


def _second_server() -> None:
    try:
        second = lab.second_server()
    except (LotteryError, OSError) as error:
        refused(error)
        return
    if second is not None:
        st.info(literal(second), icon=":material/info:")
