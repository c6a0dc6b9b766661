"""Compare methods: nothing asked, running, failed, done; accuracy and cost, objectives, layers and overlap."""

import numpy as np
import pytest

from lth_engine.core.artifact import Answer
from lth_engine.specs.questions import question_from_dict
from tests.pages.conftest import key_of, words
from tests.pages.diagnosed import alts, begin, drawn
from tests.pages.fake_methods import METHODS, OBJECTIVES, put
from tests.pages.fake_search import PROVENANCE, SHAPES, run_answer


def test_nothing_asked_names_the_reference_and_the_price(open_page, queue):
    app = open_page("methods")
    assert "Nothing of this kind has been asked yet" in words(app)
    assert "the reference is random" in words(app).replace("*", "")
    assert "3 searches of a mask (as much as" in words(app).replace("*", "")     # a replicate of Quick CTS each
    app.button(key="methods.start").click().run()
    asked = question_from_dict(dict(queue.list()[0].spec))
    assert (asked.name, asked.level, asked.methods[0]) == ("method_comparison", 10, "random")


def test_done_says_the_best_and_what_the_test_says(open_page, store):
    put(store, METHODS)
    app = open_page("methods", ask=METHODS.key)
    text = words(app).replace("*", "")
    assert "CTS, KL reaches the highest mean accuracy at 64 % density: 81.00 %" in text
    assert "(dense network 91.00 %; guessing is 10 %)" in text
    assert "✓ better than random: SNIP; CTS, KL." in text
    figure = drawn(app, "Test accuracy by method at 64 % density")
    assert figure["layout"]["yaxis"]["ticktext"] == ["random", "SNIP", "CTS, KL"]
    marks = [a["text"] for a in figure["layout"]["annotations"]]
    assert marks[:3] == ["<b>reference</b>", "<b>✓ better</b>", "<b>✓ better</b>"]
    (rows,) = app.dataframe
    assert rows.value["total epochs"].tolist() == [20, 21, 40, 20]
    assert rows.value["epochs as the paper counts"].tolist() == [19, 20, 39, 19]
    assert rows.value["accuracy (%)"].tolist()[2] == "80.00 ± 2.00"


def test_the_cost_can_be_counted_in_epochs_and_in_seconds(open_page, store):
    put(store, METHODS)
    app = open_page("methods", ask=METHODS.key)
    for column, alt, expected in (("total_epochs", "Test accuracy over total epochs by method", 40),
                                  ("total_train_seconds", "Test accuracy over seconds by method", 80)):
        app.button_group(key="methods.cost").set_value(column).run()
        (cts,) = [t for t in drawn(app, alt)["data"] if t.get("name") == "CTS, KL"]
        assert cts["x"] == [expected]
        assert cts["y"] == pytest.approx([81.0])
        assert "dense network" in [t.get("name") for t in drawn(app, alt)["data"]]


def test_several_levels_are_drawn_over_density(open_page, store):
    put(store, METHODS)
    sparse = put(store, METHODS.replace(level=5))
    app = open_page("methods", ask=[METHODS.key, sparse.key])
    lines = [t for t in drawn(app, "Test accuracy over density by method")["data"] if t.get("meta")]
    assert [t["name"] for t in lines] == ["random", "SNIP", "CTS, KL"]
    assert lines[0]["x"] == pytest.approx([64, 32.768])


def test_running_shows_what_is_trained_and_failed_says_why(open_page, store, queue):
    job = begin(queue, METHODS)
    assert "So far" not in words(open_page("methods", ask=METHODS.key))
    store.put(METHODS.run("snip", 0), run_answer(METHODS.of, (2, 0, "ticket")), parents={}, provenance=PROVENANCE)
    app = open_page("methods", ask=METHODS.key)
    assert "So far: 1 of 12 networks are trained" in words(app).replace("*", "")
    assert drawn(app, "Test accuracy of what is trained so far")["layout"]["yaxis"]["ticktext"] == ["SNIP"]
    queue.finish(job.id, 1, "failed", "The images are not there. Download them.")
    assert "The images are not there" in words(open_page("methods", ask=METHODS.key))


def test_a_cancelled_comparison_keeps_what_is_trained(open_page, store, queue):
    job = begin(queue, METHODS)
    store.put(METHODS.run("snip", 0), run_answer(METHODS.of, (2, 0, "ticket")), parents={}, provenance=PROVENANCE)
    queue.finish(job.id, 1, "cancelled", "")
    app = open_page("methods", ask=METHODS.key)
    assert "Cancelled" in words(app)
    assert "Test accuracy of what is trained so far" in alts(app)


def test_objectives_have_a_panel_each_with_the_dense_network(open_page, store):
    put(store, OBJECTIVES)
    app = open_page("methods", ask=OBJECTIVES.key)      # the link opens the tab
    loss = drawn(app, "Task loss (nats) of untrained tickets over density")
    assert [t["name"] for t in loss["data"]] == ["random", "SNIP", "CTS, KL", "dense network: 2.3"]
    norm = drawn(app, "Norm of the gradient (high is good) of untrained tickets over density")
    assert norm["layout"]["yaxis"]["type"] == "log"
    assert norm["data"][0]["y"] == pytest.approx([10.0 ** -1, 10.0 ** -2, 10.0 ** -3, 10.0 ** -4])


def test_layers_and_overlap_with_the_masks_of_two_methods(open_page, store):
    put(store, METHODS)
    app = open_page("methods", ask=METHODS.key, view="Layers and overlap")
    layers = drawn(app, "Density of each layer by method, over the size of the layer")
    assert layers["layout"]["xaxis"]["ticktext"] == list(SHAPES)
    assert "More than chance. SNIP keeps 191 weights, CTS, KL 191; both keep 170" in words(app).replace("*", "")
    assert "their masks cannot be drawn" in words(app)
    for method in METHODS.methods:
        masks = {f"mask/{n}": np.arange(np.prod(s)).reshape(s) % 2 == 0 for n, s in SHAPES.items()}
        store.put(METHODS.run(method, 0).ticket, Answer(masks, {}), parents={}, provenance=PROVENANCE)
    app = open_page("methods", ask=METHODS.key, view="Layers and overlap")
    found = [image.caption for images in app.get("image") for image in images.proto.imgs]
    assert found == [f"{name}, fc1.weight: 128 of 256 weights kept. Each square is an input pixel; dark blue is none, "
                        "yellow the most weights kept at a pixel (4; the least is 0)." for name in ("SNIP", "CTS, KL")]
    key_of(app, "method_masks.second").set_value("snip").run()
    assert "Choose two different methods" in words(app)


def test_every_figure_of_the_tab_is_there(open_page, store):
    put(store, METHODS)
    assert "Weights that two methods both keep, as a multiple of chance" in alts(
        open_page("methods", ask=METHODS.key, view="Layers and overlap"))
