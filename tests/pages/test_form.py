"""The form: made from the specs, checked by the specs, and what it asks is what is queued."""

import base64
import json
import zlib

import numpy as np
import pytest

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knobs
from lth_engine.core.spec import catalogue
from lth_engine.core.step import Step
from lth_engine.specs.mask_learners import Cts
from lth_engine.specs.objectives import TaskLoss
from lth_engine.specs.phases import Own
from lth_engine.specs.presets import presets, question_for_preset
from lth_engine.specs.questions import Price, TicketSearch, question_from_dict, trainings
from lth_engine.specs.terms import L2Init
from pages.ui import form, price, share
from pages.ui.words import literal
from tests.pages.conftest import key_of, words
from tests.pages.fake_methods import put
from tests.pages.fake_search import SEARCH, put_search

START = question_for_preset("first-ticket")
PRESETS = [name for name, p in presets().items() if isinstance(p.question, TicketSearch)]


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_is_asked_as_it_is(open_page, queue, name):
    app = open_page("find", preset=name)
    app.button(key="find.start").click().run()
    assert question_from_dict(dict(queue.list()[0].spec)) == presets()[name].question


PLACES = {"model": ("model", ()), "data": ("data", ()), "search": ("search", ()),
          "optimizer": ("training.training.optimizer", ()), "schedule": ("training.training.schedule", ()),
          "scorer": ("search.imp.scorer", ("search.imp",)),
          "flatness": ("training.training.flatness", ("training.training",)),
          "term": ("training.training.term", ("training.training",)), "phase": ("mask_search", ("phases",))}
"""Family -> where it is picked, and what must be unfolded before."""


def unfold(app, *places):
    """Open what is folded away."""
    for place in places:
        app.session_state[f"find.{START.key}.{place}.more"] = True
    app.run()


def fields(app):
    """The keys of all fields."""
    return {w.key for kind in (app.number_input, app.text_input, app.selectbox, app.toggle, app.button_group)
            for w in kind if w.key}


@pytest.mark.parametrize("family", PLACES)
def test_every_member_of_a_family_has_its_fields(open_page, family):
    place, folded = PLACES[family]
    app = open_page("find", preset="first-ticket")
    unfold(app, *folded)
    members = {name: cls for name, cls in catalogue(family).items() if not getattr(cls, "brought", False)}
    for name, cls in members.items():
        key_of(app, f".{place}.name").select(name).run()
        unfold(app, f"{place}.{name}")
        assert not app.exception
        keys = fields(app)
        for knob in knobs(cls):
            if knob.name not in form.FILLED:
                assert any(f".{place}.{name}.{knob.name}" in key for key in keys), (name, knob.name)


def test_what_is_folded_away_is_not_drawn_but_asked(open_page, queue):
    search = START.replace(training=START.training.replace(warmup=Step(1), term=L2Init(strength=0.5)),
                           mask_search=Own(training=START.training.replace(batch_size=32)), whole=True)
    app = open_page("find", spec=share.to_text(search))
    assert not [key for key in fields(app) if "warmup" in key or "mask_search" in key]
    assert "More settings: Training (set: warmup, term of the loss)" in [e.label for e in app.expander]
    assert "Pretraining and mask search (set: mask search, whole length after rewinding)" in [
        e.label for e in app.expander]
    app.button(key="find.start").click().run()
    assert question_from_dict(dict(queue.list()[0].spec)) == search


def test_what_was_set_stays_when_it_is_folded_away_again(open_page, queue):
    app = open_page("find", preset="first-ticket")
    unfold(app, "training.training")
    key_of(app, ".training.warmup").set_value("2ep").run()
    app.session_state[f"find.{START.key}.training.training.more"] = False
    app.run()
    app.button(key="find.start").click().run()
    assert queue.list()[0].spec["training"]["warmup"] == "2ep"


def test_a_phase_of_its_own_begins_with_the_training_above(open_page, queue):
    app = open_page("find", preset="first-ticket")
    key_of(app, ".training.batch_size").set_value(50).run()
    unfold(app, "phases")
    key_of(app, ".mask_search.name").select("own").run()
    key_of(app, ".mask_search.own.training.training.length").set_value("5ep").run()
    key_of(app, ".training.batch_size").set_value(60).run()
    assert key_of(app, ".pretraining.name").value != "own"
    app.button(key="find.start").click().run()
    asked = question_from_dict(dict(queue.list()[0].spec))
    first = START.training.replace(batch_size=50)
    assert asked.mask_search == Own(training=first.replace(length=Step(5)))
    assert asked.training == first.replace(batch_size=60)


def test_a_value_out_of_range_is_one_sentence_beside_its_field(open_page):
    app = open_page("find")
    key_of(app, ".sgd.momentum").set_value(1.5).run()
    assert len(app.error) == 1
    assert words(app).endswith("\nsgd.momentum must be in [0, 1). Got 1.5.")
    assert "Correct what is marked" in words(app)
    assert not [b for b in app.button if b.key == "find.start"]


def test_values_that_do_not_go_together_are_said(open_page):
    app = open_page("find")
    key_of(app, ".imp.rewind").set_value("50ep").run()
    assert "not before the end of training" in words(app)


def test_a_step_that_is_none(open_page):
    app = open_page("find")
    key_of(app, ".training.length").set_value("ten").run()
    assert "written like" in words(app)


def test_the_price_in_epochs_is_there_at_once(open_page):
    search = presets()["first-ticket"].question
    runs = (1 + search.levels * (1 + len(search.controls))) * search.replicates
    assert f"{runs} trainings" in words(open_page("find", preset="first-ticket"))
    assert f"{runs * search.training.length.count:,} epochs" in words(open_page("find", preset="first-ticket"))


def test_the_trainings_behind_the_masks_are_counted(open_page):
    own = Own(training=START.training.replace(length=Step(5)))
    search = START.replace(levels=2, controls=(), mask_search=own)
    assert "15 trainings (9 of them are reported, the others lead to the masks): 255 epochs" in words(
        open_page("find", spec=share.to_text(search))).replace("*", "")


def test_searches_of_masks_are_counted_with_what_they_cost(open_page, store):
    search = SEARCH.replace(search=Cts(length=Step(6), objective=TaskLoss()))
    address = share.to_text(search)
    assert "Before them 4 searches of a mask: that is as much work as 24 epochs of training." in words(
        open_page("find", spec=address)).replace("*", "")
    put(store, search.found(2, 0).learned())
    assert ("4 searches of a mask: 1 of them are in the store already, what is left is as much work as 18 epochs"
            ) in words(open_page("find", spec=address)).replace("*", "")
    assert "of a mask" not in words(open_page("find", spec=share.to_text(SEARCH)))


@pytest.mark.parametrize("name", ["first-ticket", "late-rewinding", "lrr", "aws", "close-to-home"])
def test_the_price_counts_every_training_once(name):
    search = question_for_preset(name).replace(levels=3, controls=("redrawn", "sign_transfer"))
    assert set(price._lengths(search)) == {question.key for question in trainings(search)}


def test_what_is_stored_is_not_paid_for_again(open_page, store):
    put_search(store)
    smaller = SEARCH.replace(levels=3)
    text = words(open_page("find", spec=share.to_text(smaller)))
    assert "14 trainings" in text
    assert "10 of them are in the store already" in text


def test_measuring_the_price_is_a_quick_job(open_page, queue):
    app = open_page("find")
    app.button(key="price.ask").click().run()
    (job,) = queue.list()
    assert job.quick
    assert isinstance(question_from_dict(dict(job.spec)), Price)


def test_an_answered_question_is_not_asked_again(open_page, store):
    put_search(store)
    app = open_page("find", spec=share.to_text(SEARCH))
    assert "answered already" in words(app)


def test_a_link_holds_the_whole_question(open_page):
    assert share.from_text(share.to_text(SEARCH)) == SEARCH
    assert len(share.to_text(SEARCH)) < share.LONGEST_LINK


@pytest.mark.parametrize("text", ["", "%%%", "eJwDAAAAAAE", share.to_text(SEARCH)[:-20], "A" * 4000])
def test_a_broken_link_is_one_sentence(open_page, text):
    with pytest.raises(BadInput):
        share.from_text(text)
    if text:
        assert open_page("find", spec=text).error


def test_a_link_that_unpacks_to_gigabytes_is_refused():
    bomb = base64.urlsafe_b64encode(zlib.compress(b" " * 50_000_000)).decode()
    with pytest.raises(BadInput):
        share.from_text(bomb)


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"name": "run"}', b'{"name": "nothing"}', b"\xff"])
def test_a_file_that_is_no_search_is_refused(raw):
    with pytest.raises(BadInput):
        share.from_json(raw)


@pytest.mark.parametrize("name", PRESETS)
def test_the_command_line_asks_the_same(name, tmp_path):
    import shlex

    from lth_engine.cli.ask import Begun, ask

    search = presets()[name].question
    for command in (share.command(search), share.command(search.replace(levels=3, controls=()), name, search)):
        tokens = shlex.split(command)[4:]
        preset = tokens.pop(1) if tokens[:1] == ["--preset"] else None
        wanted = search.replace(levels=3, controls=()) if preset else search
        assert ask(Begun(preset=preset), tokens[1:] if preset else tokens, tmp_path) == wanted


def test_an_upload_is_kept_under_its_hash_and_asked_with_it(open_page, queue, tmp_path):
    import hashlib
    import io

    buffer = io.BytesIO()
    np.savez(buffer, x=np.zeros((8, 4, 4), np.uint8), y=np.arange(8) % 2)
    raw = buffer.getvalue()
    app = open_page("find")
    key_of(app, ".data.name").select("own_images").run()
    key_of(app, ".way").set_value("Upload").run()
    app.file_uploader[0].upload("../../evil name.npz", raw).run()
    stored = tmp_path / "data" / "uploads" / f"{hashlib.sha256(raw).hexdigest()}.npz"
    assert stored.read_bytes() == raw
    app.button(key="find.start").click().run()
    (job,) = queue.list()
    assert job.spec["data"]["path"] == str(stored)
    assert len(job.spec["data"]["fingerprint"]) == 64


def test_a_path_without_images_is_said_at_once(open_page):
    app = open_page("find")
    key_of(app, ".data.name").select("own_images").run()
    key_of(app, ".path").set_value("/no/such/folder").run()
    assert "There is nothing at" in words(app)


def linked(raw):
    """A link's text that unpacks to this."""
    return base64.urlsafe_b64encode(zlib.compress(raw)).decode().rstrip("=")


@pytest.mark.parametrize("raw", [b"[" * 90_000, b'{"name": "price", "of": ' * 300 + b"1" + b"}" * 300,
                                 json.dumps(SEARCH.to_dict() | {"data": {"name": "own_images", "path": "\ud800"}})
                                 .encode()])
def test_a_link_to_nonsense_is_one_sentence(open_page, raw):
    app = open_page("find", spec=linked(raw))
    assert len(app.error) == 1


def test_a_seed_beyond_what_a_browser_counts_is_one_sentence(open_page):
    """The form replaces it, or the question itself refuses it."""
    text = words(open_page("find", spec=linked(json.dumps(SEARCH.to_dict() | {"seed": 2**62}).encode())))
    assert f"took the place of {2**62}" in text or "seed must be" in text


NASTY = ["[text](http://a.bc)", "![a](http://a.bc/d.png)", "<b>", "$x$", "`code`", "www.a.bc", "me@a.bc", "a_b_c",
         ":red[x]", ":material/home:"]


@pytest.mark.parametrize("text", NASTY)
def test_typed_text_is_no_markdown(open_page, text):
    """Escaped, or in a code span where an address would be made a link all the same."""
    app = open_page("find")
    key_of(app, ".training.length").set_value(text).run()
    (error,) = app.error
    shown = literal(f"Got {text!r}.")
    assert error.value.endswith(shown)
    assert ("`" if any(mark in text for mark in ("://", "www.", "@", "home:")) else "\\") in shown


def test_literal_text_needs_no_marks_where_there_are_none():
    assert literal("Got 10.5 %, not 'abc' (level 3).") == "Got 10.5 %, not 'abc' (level 3)."
    assert literal(":red-badge[x]") == r"\:red-badge\[x\]"
    assert literal("\ud800") == "?"


def test_a_very_large_search_has_its_price_at_once(open_page, monkeypatch):
    monkeypatch.setattr("pages.ui.price._lengths", None)
    text = words(open_page("find", spec=share.to_text(SEARCH.replace(levels=100, replicates=100))))
    assert "20,100 trainings" in text


def test_a_question_saved_as_json_opens_again():
    assert share.from_json(json.dumps(SEARCH.to_dict()).encode()) == SEARCH
