"""Every page in the four states of an answer: not asked, running, failed, done."""

import json

import pytest

from lth_engine.core.artifact import Answer, texts
from lth_engine.core.errors import LotteryError
from lth_engine.core.workbench import Progress
from lth_engine.specs.presets import question_for_preset
from lth_engine.specs.questions import Price, question_from_dict
from tests.pages.conftest import words
from tests.pages.fake_search import PROVENANCE, SEARCH, put_runs, put_search, run_answer


@pytest.fixture
def running(store, queue):
    put_runs(store, levels=1)
    job = queue.submit(SEARCH)
    queue.claim(job.id)
    queue.begin(job.id, 1, 4242)
    queue.report(job.id, 1, Progress(30, 100, "3 of 10: level 1", 12_345.0, {"test_accuracy": 0.9}), 41.0)
    return queue.get(job.id)


@pytest.fixture
def failed(store, queue):
    job = queue.submit(SEARCH)
    queue.claim(job.id)
    queue.begin(job.id, 1, 4242)
    queue.finish(job.id, 1, "failed", "The loss became NaN. Lower the learning rate.")
    return queue.get(job.id)


def test_home_not_asked_offers_one_button(open_page, queue):
    app = open_page("home")
    assert "winning ticket" in words(app)
    button = app.button(key="begin")
    assert button.label == "Find a winning ticket in 60 seconds"
    button.click().run()
    assert not app.exception
    (job,) = queue.list()
    asked = question_from_dict(dict(job.spec))
    preset = question_for_preset("first-ticket")
    assert asked.replace(seed=preset.seed) == preset
    assert app.query_params["search"] == job.key


def test_home_draws_new_seeds_each_time(open_page, queue):
    for _ in range(2):
        open_page("home").button(key="begin").click().run()
    assert len({job.spec["seed"] for job in queue.list()}) == 2


def test_home_running_shows_progress_and_what_there_is(open_page, running):
    app = open_page("home", search=SEARCH.key)
    assert "about 41 s left" in app.get("progress")[0].proto.text
    assert len(app.get("plotly_chart")) == 1


def test_home_failed_says_why_and_resumes(open_page, failed, queue):
    app = open_page("home", search=SEARCH.key)
    assert "Lower the learning rate" in words(app)
    app.button(key="first.resume").click().run()
    assert queue.get(failed.id).state == "queued"


def test_home_done_says_the_verdict(open_page, store):
    put_search(store)
    app = open_page("home", search=SEARCH.key)
    assert "Winning ticket at 64 % of the weights" in words(app)
    assert "What to try next" in words(app)


@pytest.mark.parametrize("word", ["winning", "matching", "failing", "undecided"])
def test_each_verdict_has_its_words(open_page, store, word):
    put_search(store, word=word)
    assert f"{word.capitalize()} ticket" in words(open_page("home", search=SEARCH.key))


def test_an_unknown_search_in_the_address_is_said_on_home(open_page):
    text = words(open_page("home", search="no such key"))
    assert "The store does not hold no such key" in text
    assert "What will happen" in text


def test_teaching_mode_keeps_the_page(open_page, store):
    put_search(store)
    app = open_page("home", search=SEARCH.key, teach="1")
    assert "Winning ticket" in words(app)
    drawn = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert drawn["layout"]["xaxis"]["tickfont"]["size"] == 20


def test_jobs_empty_says_what_to_do(open_page):
    assert "Nothing was asked yet" in words(open_page("jobs"))


def test_jobs_running(open_page, running, queue):
    app = open_page("jobs")
    assert "12.3 k images/s" in app.get("progress")[0].proto.text
    assert "test accuracy 90.0 %" in words(app)
    app.button(key=f"stop-{running.id}").click().run()
    assert queue.get(running.id).state == "cancelling"


def test_jobs_shows_a_hundred_at_a_time(open_page, queue):
    for seed in range(130):
        queue.submit(Price(of=SEARCH.replace(seed=seed)))
    app = open_page("jobs")
    next(t for t in app.toggle if t.key == "jobs.quick").set_value(True).run()
    app.toggle(key="jobs.all").set_value(True).run()
    assert "130 queued" in words(app)
    assert len(app.get("progress")) == 100
    app.selectbox(key="jobs.first").select_index(1).run()
    assert len(app.get("progress")) == 30


def test_jobs_failed_then_resumed_then_forgotten(open_page, failed, queue):
    app = open_page("jobs")
    assert "The loss became NaN" in words(app)
    app.button(key=f"resume-{failed.id}").click().run()
    assert queue.get(failed.id).state == "queued"
    queue.cancel(failed.id)
    open_page("jobs").button(key=f"forget-{failed.id}").click().run()
    assert queue.list() == []


def test_jobs_of_a_later_version_are_listed_without_a_traceback(open_page, queue):
    queue.submit(SEARCH)
    queue.database.write(lambda c: c.execute("UPDATE job SET spec = '{\"name\": \"from_the_future\"}'"))
    assert "ticket_search" in words(open_page("jobs"))


def test_explore_empty_says_what_to_do(open_page):
    assert "no search yet" in words(open_page("explore"))


def test_explore_running_shows_what_there_is(open_page, running):
    app = open_page("explore", search=SEARCH.key)
    assert "1 of 3 levels" in words(app)
    assert len(app.get("plotly_chart")) == 1


def test_explore_failed_says_why(open_page, failed):
    assert "The loss became NaN" in words(open_page("explore", search=SEARCH.key))


VIEWS = {"Accuracy": 1, "Layers": 1, "Masks": 0, "Weights": 1, "Learning curves": 1, "Learning distance": 1,
         "Checks": 0, "Price": 1, "Provenance": 0}


@pytest.mark.parametrize(("view", "charts"), VIEWS.items())
def test_explore_done_every_view(open_page, store, view, charts):
    put_search(store)
    app = open_page("explore", search=SEARCH.key, view=view)
    assert len(app.get("plotly_chart")) == charts
    assert not app.error


@pytest.mark.parametrize(("controls", "said"), [((), False), (("random_mask",), True)])
def test_a_ticket_that_wins_beats_only_controls_that_were_trained(open_page, store, controls, said):
    search = SEARCH.replace(controls=controls)
    put_search(store, search)
    text = words(open_page("explore", search=search.key))
    assert "more accurate than the dense network" in text
    assert ("than every control" in text) == said


def test_layers_are_matched_by_name_and_drawn_in_the_order_of_the_network(open_page, store):
    """Runs of early versions have their layers by name, later ones in the network's order."""
    put_search(store)
    cells = {}
    for cell, run in SEARCH.runs().items():
        answer = run_answer(SEARCH, cell)
        order = [1, 2, 0] if cell[1] == 0 else [0, 1, 2]  # fc1, fc2, fc; or by name
        arrays = answer.arrays | {f"layers/{name}": answer.arrays[f"layers/{name}"][order]
                                  for name in ("name", "density")}
        cells[cell] = dict(zip(texts(arrays["layers/name"]), arrays["layers/density"].tolist(), strict=True))
        store.put(run, Answer(arrays, answer.summary), parents={}, provenance=PROVENANCE)
    app = open_page("explore", search=SEARCH.key, view="Layers")
    drawn = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][1:]
    assert [trace["name"] for trace in drawn] == ["fc1.weight", "fc2.weight", "fc.weight"]
    for trace in drawn:
        wanted = [50 * sum(cells[level, replicate, "ticket"][trace["name"]] for replicate in range(2))
                  for level in range(3)]
        assert trace["y"] == pytest.approx(wanted)
    app = open_page("explore", search=SEARCH.key, view="Masks")
    assert [option.split()[0] for option in app.selectbox(key="masks.layer").options] == [
        "fc1.weight", "fc2.weight", "fc.weight"]


def test_explore_two_searches_in_one_figure(open_page, store):
    other = SEARCH.replace(seed=8)
    put_search(store)
    put_search(store, other)
    app = open_page("explore", search=[SEARCH.key, other.key])
    names = {t.get("name") for t in json.loads(app.get("plotly_chart")[0].proto.spec)["data"]}
    assert {f"LeNet-300-100, Digits, imp, seed {s}: ticket" for s in (7, 8)} <= names


def test_explore_names_a_link_to_another_store(open_page, store):
    put_search(store)
    assert "another store" in words(open_page("explore", search="0" * 24))


def test_a_damaged_run_is_one_sentence_and_can_be_computed_again(open_page, store, queue):
    put_search(store)
    key = SEARCH.run(2, 0).key
    path = store.root / "artifacts" / f"{key}.h5"
    path.write_bytes(path.read_bytes()[:200])
    (error,) = open_page("home", search=SEARCH.key).error
    assert "damaged" in error.value
    again = open_page("explore", search=SEARCH.key, view="Learning curves")
    assert "1 of its 10 runs is missing" in words(again)
    again.button(key=f"missing.{SEARCH.key}").click().run()
    assert [job.key for job in queue.list()] == [key]


def test_a_read_only_store_can_be_looked_at(open_page, store, monkeypatch):
    put_search(store)
    from pages.ui import lab

    monkeypatch.setattr(lab.lab().store, "writable", False)
    for name in ("explore", "home", "find", "jobs"):
        app = open_page(name, search=SEARCH.key)
        assert "cannot be written" in words(app)
    assert open_page("home").button(key="begin").disabled


def test_a_second_server_is_a_banner(open_page, monkeypatch):
    monkeypatch.setattr("pages.ui.lab.claim_server", lambda root: "Another server already serves this store.")
    assert "Another server already serves" in words(open_page("home"))


def test_a_newer_store_is_one_sentence(open_page, store):
    (store.root / "schema.json").write_text(json.dumps({"version": 999, "schema_version": 999, "schema": 999}))
    from pages.ui import lab

    lab._open.cache_clear()
    app = open_page("home")
    (error,) = app.error
    assert "Update" in error.value


def test_what_the_store_refuses_is_said_in_its_words(open_page, monkeypatch):
    def refuse(*roots):
        raise LotteryError("The disk is full. Free some space.")
    monkeypatch.setattr("pages.ui.lab.ensure_supervisor", refuse)
    app = open_page("home")
    app.button(key="begin").click().run()
    assert "The disk is full" in words(app)
