"""What goes wrong around the pages: one sentence each, never an exception box, and the server serves."""

import errno
import shutil
import sqlite3
import subprocess
import sys
import threading

import pytest

from lth_engine.core.errors import LotteryError
from pages.ui import lab
from pages.ui.frame import ROOT
from tests.pages.conftest import words
from tests.pages.fake_search import SEARCH, put_runs, put_search

PAGES = ("home", "find", "jobs", "explore", "compare")


@pytest.fixture
def woken(monkeypatch):
    """How often a supervisor was asked for."""
    calls = []
    monkeypatch.setattr("pages.ui.lab.ensure_supervisor", lambda *roots: calls.append(roots))
    return calls


@pytest.mark.parametrize(("page", "where"), [("jobs", {}), ("explore", {"search": SEARCH.key})])
def test_a_page_that_watches_a_job_replaces_a_dead_supervisor(open_page, store, queue, woken, page, where):
    put_runs(store, levels=1)
    open_page(page, **where)
    assert not woken
    queue.submit(SEARCH)
    open_page(page, **where)
    assert woken


def refuse(code):
    def refused(*roots, **more):
        raise OSError(code, "No space left on device", str(roots[0]))
    return refused


def test_the_server_starts_on_a_full_disk_and_pages_say_so(open_page, monkeypatch):
    monkeypatch.setattr("pages.ui.lab.Store", refuse(errno.ENOSPC))
    lab.start()
    for page in PAGES:
        (error,) = open_page(page).error
        assert "the disk is full. Free some space" in error.value


def test_a_full_disk_at_a_claim_leaves_the_pages(open_page, store, monkeypatch):
    monkeypatch.setattr("pages.ui.lab.claim_server", refuse(errno.ENOSPC))
    put_search(store)
    lab.start()
    text = words(open_page("explore", search=SEARCH.key))
    assert "the disk is full" in text
    assert "The star is the ticket" in text


@pytest.mark.parametrize("name", ["locks", "logs"])
def test_a_file_in_the_place_of_a_folder(open_page, store, queue, name, monkeypatch):
    from lth_engine.jobs.local import ensure_supervisor

    put_search(store)
    queue.submit(SEARCH.replace(seed=99))
    shutil.rmtree(store.root / name, ignore_errors=True)
    (store.root / name).write_text("")
    monkeypatch.setattr("pages.ui.lab.ensure_supervisor", ensure_supervisor)
    lab._open.cache_clear()
    lab.start()
    for page in PAGES:
        app = open_page(page)
        assert not app.exception
        assert len(app.title) == (name == "logs")  # without locks there is no store to show, only the sentence
        if name == "locks":
            assert "locks must be a folder and is a file. Move it away" in words(app)
    if name == "logs":
        assert "logs must be a folder and is a file. Move it away" in words(open_page("jobs"))


def newer(path):
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()


def folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("spoil", [newer, folder])
def test_a_queue_that_cannot_be_used_is_one_sentence(open_page, queue, spoil):
    queue.submit(SEARCH)
    spoil(queue.database.path)
    for page in PAGES:
        (error,) = open_page(page).error
        assert "queue.sqlite" in words_of(error)


def words_of(element):
    return element.value.replace("\\", "")


def test_a_store_that_is_deleted_and_comes_back(open_page, store):
    put_search(store)
    open_page("home")
    aside = store.root.with_name("aside")
    store.root.rename(aside)
    for page in PAGES:
        (error,) = open_page(page).error
        assert "is gone" in error.value
    with pytest.raises(LotteryError, match="put the folder back"):
        lab.submit(SEARCH)
    assert not store.root.exists()
    store.root.mkdir()
    assert "no search yet" in words(open_page("explore"))
    shutil.rmtree(store.root)
    aside.rename(store.root)
    assert "The star is the ticket" in words(open_page("explore", search=SEARCH.key))


def test_the_first_page_needs_no_figures_and_comes_before_the_rest(here):
    """In a process of its own: what was imported when the start page had been drawn."""
    script = ("import sys\nfrom streamlit.testing.v1 import AppTest\nfrom pages.ui import lab\n"
              "assert not lab.first_page_drawn.is_set()\n"
              "app = AppTest.from_file('pages/ui/main.py', default_timeout=30).run()\n"
              "assert app.title and not app.exception\nassert lab.first_page_drawn.is_set()\n"
              "late = ('lth_engine.figures.', 'plotly.graph_objs._bar', 'torch')\n"
              "print(*(m for m in sys.modules if m.startswith(late)))")
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_server_loads_the_rest_after_the_first_page(monkeypatch):
    from pages.ui import server

    drawn, loaded = threading.Event(), threading.Event()
    monkeypatch.setattr("pages.ui.lab.first_page_drawn", drawn)
    monkeypatch.setattr("pages.ui.server._load", loaded.set)
    later = threading.Thread(target=server._load_later)
    later.start()
    assert not loaded.wait(0.2)
    drawn.set()
    later.join(2)
    assert loaded.is_set()


def test_the_notice_of_a_repaired_job_list_goes_away_when_it_was_read(open_page, queue):
    queue.list()
    queue.database.write(lambda c: c.execute("UPDATE about SET notice = 'The list of jobs was damaged.'"))
    app = open_page("home")
    assert "The list of jobs was damaged." in words(app)
    app.button(key="dismiss_notice").click().run()
    assert not app.exception
    assert "The list of jobs was damaged." not in words(app)
    assert queue.notice() == ""
