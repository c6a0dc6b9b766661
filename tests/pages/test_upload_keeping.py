"""What a visitor leaves behind, who may name paths, and files that become searches: families, lines, passports."""

import os
import threading
import time

import pytest

from lth_engine.gate import ask as gate_ask
from lth_engine.gate.private import Folder
from lth_engine.specs.data import Cifar10, Digits
from lth_engine.specs.questions import question_from_dict
from pages.ui import reach, upload_gate, upload_held, upload_work
from pages.ui.upload_keep import members, searches
from pages.ui.upload_use import split_as_here
from tests.pages import fake_cards as fake
from tests.pages.conftest import words
from tests.pages.diagnosed import button
from tests.pages.fake_search import SEARCH
from tests.pages.test_upload_page import bring, gate, until_read

__all__ = ["bring", "gate"]


def left(folder):
    return sorted(name for _, _, names in os.walk(folder.path) for name in names if name != ".lock")


def soon(condition):
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


@pytest.fixture
def visit(monkeypatch):
    """A visitor without a page."""
    state, folder = {}, Folder()
    monkeypatch.setattr(upload_held.st, "session_state", state)
    monkeypatch.setattr(upload_held, "private", lambda: folder)
    yield folder
    folder.close()


def test_another_file_takes_all_copies_of_the_one_before_with_it(visit, gate):
    gate.copies = {"aa" * 32: b"level 1", "bb" * 32: b"level 2"}
    for name in ("first.pt", "second.pt"):
        path = visit.save([b"upload"])
        upload_held.bring("first", name, path)
        assert soon(lambda: upload_held.brought("first").reading.done)
        upload_held.settle()
        assert left(visit) == ["a" * 64 + ".safetensors", "b" * 64 + ".safetensors", "clean.safetensors"]
        assert visit.used() == len(b"clean" + b"level 1" + b"level 2")
    upload_held.drop("first")
    assert left(visit) == []


def test_a_reading_that_is_stopped_leaves_nothing(visit, monkeypatch):
    begun, go = threading.Event(), threading.Event()

    def slow(path, name, clean, room, heard):
        begun.set()
        go.wait(10)
        clean.write_bytes(b"a copy that nobody will ask for")
        heard({"stage": "level 2"})
        raise AssertionError("not stopped")

    monkeypatch.setattr(upload_gate, "read", slow)
    upload_held.bring("first", "x.pt", visit.save([b"upload"]))
    assert begun.wait(10)
    task = upload_held.brought("first").reading
    upload_held.drop("first")
    go.set()
    assert isinstance(task.future.exception(timeout=10), gate_ask.Stopped)
    assert soon(lambda: left(visit) == [])


@pytest.mark.parametrize(("entry", "folder"), [("inspect", False), ("inspect_directory", True)])
def test_the_gate_is_told_the_room_that_is_left_and_may_be_stopped(tmp_path, monkeypatch, entry, folder):
    def endless(path, name, *more, heard, room, **options):
        assert room == 1000
        heard({})
        raise AssertionError("not stopped")

    def stopped(said):
        raise gate_ask.Stopped
    monkeypatch.setattr(gate_ask, entry, endless)
    path = tmp_path if folder else tmp_path / "x.pt"
    with pytest.raises(gate_ask.Stopped):
        upload_gate.read(path, "run", tmp_path / "new" / "clean", lambda: 1000, stopped)


def test_half_seconds_in_which_nothing_was_said_are_not_kept():
    task = upload_work.begin("Reading", lambda heard: [heard(said) for said in ({}, {"stage": "copying"}, {})])
    task.future.result(timeout=10)
    assert (task.said, task.stage) == ([{"stage": "copying"}], "copying")


@pytest.mark.parametrize(("address", "forwarded", "client", "allowed"), [
    ("127.0.0.1", {}, "10.0.0.7", True), ("localhost", {}, None, True), ("0.0.0.0", {}, "10.0.0.7", False),
    ("0.0.0.0", {}, None, True), ("", {}, "::1", True), ("", {"X-Forwarded-For": "10.0.0.7"}, None, False),
    ("lab.example", {}, "fe80::1", False),
])
def test_paths_are_for_who_sits_at_this_machine(monkeypatch, address, forwarded, client, allowed):
    context = type("Context", (), {"headers": forwarded, "ip_address": client})()
    monkeypatch.setattr(reach.st, "get_option", lambda name: address)
    monkeypatch.setattr(reach.st, "context", context)
    assert reach.paths_allowed() is allowed


def test_images_are_split_as_in_the_newest_search_of_the_lab(queue):
    assert split_as_here(Digits(normalise="unit")) == Digits(normalise="unit")
    queue.submit(SEARCH.replace(data=Digits(validation_fraction=0.15, test_fraction=0.3)))
    assert split_as_here(Digits(normalise="unit")) == Digits(
        validation_fraction=0.15, test_fraction=0.3, normalise="unit")
    assert split_as_here(Cifar10()) == Cifar10()


def test_who_comes_from_elsewhere_is_not_asked_for_a_path(open_page, gate, monkeypatch):
    monkeypatch.setattr("pages.ui.upload_ask.paths_allowed", lambda: False)
    assert open_page("upload").button_group(key="upload.first.way").options == ["Drop a file", "An example"]


def two_experiments():
    """Two searches under one folder, with levels that only one of them has, and one that begins sparse."""
    def member(experiment, level, density):
        return {"experiment": experiment, "level": level, "replicate": 0, "branch": "main", "density": density,
                "accuracy": None, "notes": [], "files": {},
                "clean": {"final": (experiment[-1] + str(level)) * 32}}
    found = [member("expa", 0, 1.0), member("expa", 1, 0.5), member("expb", 0, 0.1), member("expb", 2, 0.05)]
    return fake.card(name="both", directory={"kind": "open_lth", "notes": [], "members": found})


def test_searches_of_one_folder_are_kept_apart():
    card = two_experiments()
    assert searches(card) == (("expa", "main"), ("expb", "main"))
    assert [str(f) for f in members(card)] == [f"0/0/1/{'a0' * 32}", f"1/0/0.5/{'a1' * 32}"]
    assert [str(f) for f in members(card, ("expb", "main"))] == [f"1/0/0.1/{'b0' * 32}"]


def test_the_search_of_a_folder_is_chosen(bring, gate, queue, monkeypatch):
    monkeypatch.setattr("pages.ui.upload_keep.keeping.keep", lambda path, root, sha256: None)
    app = bring(two_experiments())
    assert "Experiment" in app.dataframe[0].value
    app.selectbox(key="upload.use.family").set_value(("expb", "main")).run()
    app.button(key="upload.use.bring").click().run()
    assert not app.exception
    asked = question_from_dict(dict(queue.list()[0].spec))
    assert [(f.level, f.density, f.weights) for f in asked.search.members] == [(1, 0.1, "b0" * 32)]


def test_a_passport_says_how_its_ticket_is_made_and_has_no_button_that_must_fail(bring):
    app = bring(fake.passport(), name="my ticket.passport")
    said = words(app)
    assert "keeps 28,712 of 268,336 prunable weights" in said
    assert "a ticket of 10.7 % density, as its passport" in said
    assert not {"Bring it into the lab", "Measure", "Compute the spectra"} & {b.label for b in app.button}
    assert "upload.spectra.ask" not in [b.key for b in app.button]
    code = " ".join(c.value for c in app.code)
    assert "python -m lth_engine recreate my_ticket.passport --out my_ticket.safetensors --as safetensors" in code
    assert "passport --of" not in code


def test_two_files_in_the_lab_are_one_click_from_their_line_in_four_ways(bring, gate, queue):
    gate.answers["compare"] = fake.COMPARED
    app = bring()
    app = until_read(app.file_uploader[-1].upload("other.pt", b"others").run())
    assert "Bring the first file into the lab" in words(app)
    app.button(key="upload.use.bring").click().run()
    button(app, "Measure the line in four ways").click().run()
    assert not app.exception
    lines = [question_from_dict(dict(job.spec)) for job in queue.list() if job.kind == "connectivity"]
    assert {(line.norm_statistics, line.matching) for line in lines} == {
        (norm, matching) for norm in ("recalibrated", "interpolated") for matching in ("none", "weights")}
    assert {line.first.name for line in lines} == {"imported_run"}
    searches = [question_from_dict(dict(job.spec)) for job in queue.list() if job.kind == "ticket_search"]
    assert {search.search.label for search in searches} == {"resnet20.pt", "other.pt"}
    assert "upload.line.ask" not in [b.key for b in app.button]


def test_files_of_two_networks_are_not_offered_a_line(bring, gate):
    gate.answers["compare"] = fake.COMPARED
    other = fake.card(architecture={"name": "ResNet-32", "spec": {"name": "cifar_resnet", "depth": 32}})
    app = bring(fake.card(), other)
    app = until_read(app.file_uploader[-1].upload("other.pt", b"others").run())
    assert "Do the two lie in one valley?" not in words(app)
