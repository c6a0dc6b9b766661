"""A lab in a temporary folder, and pages driven without a browser."""

import re

import pytest
import streamlit
from streamlit.testing.v1 import AppTest

from lth_engine.jobs.queue import Queue
from lth_engine.store.store import Store
from pages.ui.frame import ROOT

PAGES = {"home": "../start/home.py", "find": "../find/ticket.py", "jobs": "../runs/jobs.py",
         "explore": "../explore/ticket.py", "compare": "../explore/compare.py",
         "connectivity": "../diagnose/connectivity.py", "stability": "../diagnose/stability.py",
         "features": "../transfer/features.py",
         "curvature": "../diagnose/curvature.py", "landscape": "../diagnose/landscape.py",
         "bounds": "../diagnose/bounds.py", "near": "../find/near.py", "methods": "../find/methods.py",
         "sanity": "../diagnose/sanity.py", "upload": "../diagnose/upload.py",
         "signs": "../transfer/signs.py"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty store that the pages use; nobody works on its queue."""
    monkeypatch.setenv("LTH_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("LTH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("pages.ui.lab.ensure_supervisor", lambda *roots: None)
    streamlit.cache_data.clear()
    return tmp_path / "store"


@pytest.fixture
def store(here):
    return Store(here)


@pytest.fixture
def queue(store):
    return Queue(store.root)


@pytest.fixture
def open_page(here):
    """Open a page by name, with query parameters."""
    def opened(name, **params):
        app = AppTest.from_file(str(ROOT / "pages" / "ui" / "main.py"), default_timeout=20)
        for key, value in params.items():
            app.query_params[key] = value
        if name != "upload":  # it draws alike without the page before it, and has many tests
            app.run()
        if name != "home":
            app.switch_page(PAGES[name])
            for key, value in params.items():
                app.query_params[key] = value
            app.run()
        assert not app.exception, app.exception
        return app
    return opened


def words(app):
    """All that the page says, in one text, without the marks that keep markdown literal."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error, app.success)
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", "\n".join(str(element.value) for kind in kinds for element in kind))


def key_of(app, ending):
    """The key of the widget whose key ends so."""
    kinds = (app.number_input, app.text_input, app.selectbox, app.toggle, app.multiselect, app.button_group)
    return next(w for kind in kinds for w in kind if w.key and w.key.endswith(ending))
