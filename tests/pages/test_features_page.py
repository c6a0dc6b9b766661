"""Transfer > Features: not asked, running, failed, done; panels, single networks, other images, few images."""

import shlex

import pytest

from lth_engine.specs.features import FeatureTransfer, FewShot, LinearProbe, ProbePanel, TransferPanel
from lth_engine.specs.finding import Lrr
from lth_engine.specs.questions import question_from_dict
from tests.pages.conftest import key_of, words
from tests.pages.fake_features import FEW, MOVED, PANEL, PROBE, put_few, put_panel, put_probe
from tests.pages.fake_search import PROVENANCE, SEARCH, put_runs, put_search, run_answer
from tests.pages.test_connectivity_page import start, traces


def cells(app):
    """Every text of the tables, line by line."""
    return "\n".join(t.value.to_csv() for t in app.table)


def test_not_asked_offers_presets_and_starts(open_page, queue):
    app = open_page("features")
    assert "Nothing of this kind has been asked yet" in words(app)
    assert "**15 classifiers** on frozen features" in words(app), "the price says what comes before"
    assert "trainings** (" in words(app)
    app.button(key="probes.start").click().run()
    (job,) = queue.list()
    assert isinstance(question_from_dict(dict(job.spec)), ProbePanel)
    assert app.query_params["ask"] == job.key


@pytest.mark.parametrize(("view", "name", "kind"), [
    ("Probes", "probes", LinearProbe), ("Other images", "moved", TransferPanel),
    ("Other images", "moved", FeatureTransfer), ("Few images", "few", FewShot)])
def test_every_kind_can_be_asked_and_its_command_asks_the_same(open_page, store, queue, view, name, kind):
    from lth_engine.cli.ask import Begun, ask

    app = open_page("features", view=view)
    if name != "few":
        key_of(app, f"{name}.kind").set_value(kind.name).run()
    tokens = shlex.split(next(c.value for c in app.code if "lth_engine" in c.value))
    assert tokens[4:6] == ["--question", kind.name]
    app.button(key=f"{name}.start").click().run()
    asked = question_from_dict(dict(queue.list()[0].spec))
    assert type(asked) is kind
    assert ask(Begun(question=tokens[5]), tokens[6:], store.root) == asked


def test_the_target_is_asked_knob_by_knob(open_page, store, queue):
    from lth_engine.cli.ask import Begun, ask

    app = open_page("features", view="Other images")
    key_of(app, "target.name").set_value("fashion_mnist").run()
    tokens = shlex.split(next(c.value for c in app.code if "lth_engine" in c.value))
    assert "fashion_mnist" in tokens
    app.button(key="moved.start").click().run()
    asked = question_from_dict(dict(queue.list()[0].spec))
    assert asked.target.name == "fashion_mnist"
    assert ask(Begun(question=tokens[5]), tokens[6:], store.root) == asked


def test_a_panel_says_the_verdict_and_draws_every_variant(open_page, store):
    put_panel(store)
    app = open_page("features")
    assert "The untrained ticket's features carry more than those of its baselines." in words(app)
    assert "The ticket reaches 60.5% (n = 2)." in words(app)
    drawn = traces(app)
    assert drawn["Ticket, untrained"]["x"] == [pytest.approx(60.5)]
    assert drawn["Dense network, trained"]["x"] == [pytest.approx(92.5)]
    assert drawn["Ticket, untrained, logistic regression"]["marker"]["symbol"] == "circle-open"
    assert "▼ worse" in cells(app)
    assert "-20.0, -22.0 to -18.0" in cells(app)
    assert "The classifiers stopped early" not in words(app)
    assert "recalibrated" in words(app)
    assert "64.0 %" in words(app)


def test_from_a_later_rewind_point_nothing_is_called_untrained(open_page, store):
    late = PANEL.replace(of=SEARCH.replace(search=SEARCH.search.replace(rewind="2ep")))
    put_panel(store, late)
    app = open_page("features", ask=late.key)
    assert "As its training starts, the ticket's features carry more than those of its baselines." in words(app)
    assert "Ticket, as training starts" in traces(app)
    assert "untrained" not in cells(app)
    other = late.replace(norm_statistics="batch")
    put_panel(store, other, words={"dense": "better"})
    assert ("As its training starts, the ticket's features are above those of its shuffled mask, below those of the "
            "dense network at the same point.") in words(open_page("features", ask=other.key))


def test_a_search_from_trained_weights_is_asked_about_what_is_trained(open_page, store, queue):
    lrr = SEARCH.replace(search=Lrr())
    put_search(store, lrr)
    app = open_page("features")
    key_of(app, "of.search").set_value(lrr.key).run()
    app.button(key="probes.start").click().run()
    assert not app.error
    asked = question_from_dict(dict(queue.list()[0].spec))
    assert isinstance(asked.of.search, Lrr)
    assert asked.variants == ("trained_ticket", "trained_dense")
    put_panel(store, asked, words={"trained_ticket": "", "trained_dense": ""})
    assert "without the ticket at its start" in words(open_page("features", ask=asked.key))


@pytest.mark.parametrize(("said", "sentence"), [
    ({"dense": "undecided"}, "above those of its shuffled mask, not told apart from those of the untrained dense"),
    ({"dense": "better"}, "above those of its shuffled mask, below those of the untrained dense network."),
    ({"shuffled": "equivalent"}, "within the margin of those of its shuffled mask, above those of the untrained")])
def test_the_headline_says_where_the_ticket_stands(open_page, store, said, sentence):
    put_panel(store, words=said)
    assert f"The untrained ticket's features are {sentence}" in words(open_page("features"))


def test_classifiers_that_stopped_early_are_warned_of(open_page, store):
    put_panel(store, opinion=0.3)
    text = words(open_page("features"))
    assert "The classifiers stopped early." in text
    assert "logistic regression reaches 90.5 %, the classifiers 60.5 %: 5 epochs" in text
    assert "carry more than those of its baselines" not in text, "no headline from classifiers that stopped early"


def test_statistics_of_the_batch_are_told_in_title_and_numbers(open_page, store):
    other = PANEL.replace(norm_statistics="batch")
    put_panel(store, other)
    app = open_page("features", ask=other.key)
    assert "of each batch" in words(app)
    assert any("norm statistics batch" in option for option in app.multiselect[0].options)


def test_several_panels_side_by_side(open_page, store):
    longer = PANEL.replace(training=PANEL.training.replace(length="60ep"))
    put_panel(store)
    put_panel(store, longer)
    app = open_page("features", ask=[PANEL.key, longer.key])
    drawn = traces(app)
    assert "B: length 60ep" in drawn
    assert any(name.startswith("A:") for name in drawn)


def test_one_network_and_several(open_page, store):
    other = PROBE.replace(at="end")
    put_probe(store)
    put_probe(store, other, accuracy=0.9)
    app = open_page("features", ask=PROBE.key)
    assert "right about **60.0 %** of 451 test images; guessing is 10 %" in words(app)
    assert "Dead features" in "".join(p.proto.popover.label for p in app.get("popover"))
    app = open_page("features", ask=[PROBE.key, other.key])
    assert app.dataframe[0].value["test accuracy (%)"].tolist() == [60.0, 90.0]


def test_a_dead_network_is_said(open_page, store):
    put_probe(store, accuracy=0.1, dead_features=100, opinion_note="not converged after 300 iterations")
    text = words(open_page("features"))
    assert "A dead network." in text
    assert "not converged after 300 iterations" in text


def test_other_images_open_in_their_tab(open_page, store):
    put_panel(store, MOVED)
    put_panel(store)
    app = open_page("features", ask=MOVED.key)
    assert "on Digits" in app.multiselect[0].options[0]
    drawn = traces(app)
    assert "Dense network, trained" in drawn
    assert "Ticket, untrained, logistic regression" not in drawn


def test_running_and_failed_show_what_is_there(open_page, store, queue):
    for (variant, replicate), question in PANEL.asked().items():
        if variant == "ticket":
            put_probe(store, question, accuracy=0.6 + 0.01 * replicate)
    job = start(queue, PANEL)
    app = open_page("features", ask=PANEL.key)
    assert "2 of 10 classifiers are trained." in words(app)
    assert traces(app)["Ticket, untrained"]["x"] == [pytest.approx(60.5)]
    queue.finish(job.id, 1, "failed", "The loss became NaN. Lower the learning rate.")
    app = open_page("features", ask=PANEL.key)
    assert "The loss became NaN" in words(app)
    assert "2 of 10 classifiers are trained." in words(app)


@pytest.mark.parametrize(("said", "sentence"), [
    (("better", "better"), "The ticket learns more from few images."),
    (("better", "undecided"), "Not told apart."), (("better", "worse"), "The ticket learns no more from few images.")])
def test_few_images_say_the_verdict_and_draw_lines(open_page, store, said, sentence):
    put_few(store, words=said)
    app = open_page("features", ask=FEW.key)
    assert sentence in words(app)
    drawn = traces(app)
    assert drawn["Ticket"]["x"] == [10, 50]
    assert drawn["Dense network"]["y"] == [pytest.approx(51.5), pytest.approx(55.5)]
    assert "10 % (120)" in cells(app)
    assert "▲ +30.0, +27.0 to +33.0" in cells(app)


def test_few_images_while_they_are_trained(open_page, store, queue):
    put_runs(store)
    found = {cell: run for cell, run in FEW.runs().items() if cell[0] == "10" and cell[2] == 0}
    for (_, variant, _), run in found.items():
        store.put(run, run_answer(SEARCH, (2, 0, variant)), parents={}, provenance=PROVENANCE)
    start(queue, FEW)
    app = open_page("features", ask=FEW.key)
    assert "3 of 12 trainings are done." in words(app)
    assert traces(app)["Ticket"]["x"] == [10]
