"""Networks that were brought, on the pages: in every list, on Explore, and where something is not known of them."""

import numpy as np
import pytest

from lth_engine.core.artifact import Answer, text_array
from lth_engine.core.search_table import search_table
from lth_engine.specs.data import Digits
from lth_engine.specs.imported import Imported
from lth_engine.specs.questions import TicketSearch
from tests.pages.conftest import key_of, words
from tests.pages.fake_search import PROVENANCE, SHAPES, run_answer

ONE, TWO, THREE = ("a" * 64, "b" * 64, "c" * 64)
UNKNOWN = dict.fromkeys(("epochs", "train_seconds", "flops_dense", "flops_sparse", "learning_distance",
                         "moved_positive", "moved_negative", "rewind_exact"))


def brought(*files, levels, label="their_resnet.pth"):
    return TicketSearch(data=Digits(), levels=levels, replicates=1, controls=(),
                        search=Imported(files=files, label=label))


WHOLE = brought(f"0/0/1/{ONE}", f"1/0/0.5/{TWO}", f"2/0/0.25/{THREE}", levels=2)
SPARSE = brought(f"1/0/0.5/{TWO}", levels=1, label="sparse_only")
DENSE = brought(f"0/0/1/{ONE}", levels=0, label="dense_only")


def put(store, search):
    """A search that was brought, with its runs: what is not known of them is None."""
    summaries = {}
    for cell, run in search.runs().items():
        made = run_answer(search, cell)
        arrays = {n: a for n, a in made.arrays.items() if not n.startswith("history/")}
        summaries[cell] = made.summary | UNKNOWN
        store.put(run, Answer(arrays, summaries[cell]), parents={}, provenance=PROVENANCE)
        store.put(run.ticket, Answer({f"start/{n}": np.ones(s, np.float32) for n, s in SHAPES.items()}), parents={},
                  provenance=PROVENANCE)
    table = search_table(summaries, {cell: run.key for cell, run in search.runs().items()})
    levels = list(range(1, search.levels + 1))
    nothing = np.full(len(levels), np.nan)
    arrays = {f"table/{name}": column for name, column in table.items()} | {
        "verdict/level": np.array(levels), "verdict/density": nothing,
        "verdict/word": text_array(["undecided"] * len(levels)), "verdict/text": text_array(["so"] * len(levels)),
        "verdict/difference": nothing, "verdict/low": nothing,
        "verdict/high": nothing, "verdict/beats_controls": np.zeros(len(levels), bool)}
    store.put(search, Answer(arrays, {"verdict": "undecided", "verdict_level": search.levels, "verdict_density": 0.25,
                                      "verdict_text": "So it is."}), parents={}, provenance=PROVENANCE)


@pytest.mark.parametrize("search", [WHOLE, SPARSE, DENSE], ids=["whole", "sparse", "dense"])
@pytest.mark.parametrize("view", ["Accuracy", "Layers", "Masks", "Weights", "Learning curves", "Learning distance",
                                  "Checks", "Price", "Provenance"])
def test_explore_draws_it(open_page, store, search, view):
    put(store, search)
    app = open_page("explore", search=search.key, view=view)
    assert not app.error
    assert not app.exception
    if view in ("Accuracy", "Layers", "Weights"):
        assert app.get("plotly_chart")
    if view in ("Learning curves", "Price"):
        assert "trained elsewhere" in words(app)
    if view == "Checks":
        assert search.search.label in words(app)


def test_it_goes_by_the_name_of_the_file(open_page, store):
    put(store, WHOLE)
    (picker,) = open_page("explore").multiselect
    name = "their_resnet.pth, brought, LeNet-300-100, Digits, 2 levels"
    assert any(option.startswith(name) for option in picker.options)


@pytest.mark.parametrize("page", ["connectivity", "curvature", "landscape", "bounds"])
def test_its_networks_can_be_picked(open_page, store, queue, page):
    put(store, WHOLE)
    app = open_page(page)
    search = key_of(app, ".search")
    assert any("their_resnet.pth" in option for option in search.options)
    search.select(WHOLE.key).run()
    level = key_of(app, f"{WHOLE.key[:8]}.ticket.level")
    assert level.options == ["dense", "50 % (level 1)", "25 % (level 2)"]
    app.button(key=next(b.key for b in app.button if b.key and b.key.endswith(".start"))).click().run()
    assert not app.exception
    (job,) = queue.list()
    assert WHOLE.run(2, 0).weights in str(job.spec)


def test_of_a_sparse_file_alone_the_dense_network_would_be_trained(open_page, store):
    put(store, SPARSE)
    app = open_page("curvature")
    key_of(app, ".search").select(SPARSE.key).run()
    assert key_of(app, f"{SPARSE.key[:8]}.ticket.level").options == ["dense, to be trained first", "50 % (level 1)"]


def test_a_dense_file_alone_is_picked_as_a_network_but_not_as_a_search(open_page, store):
    put(store, DENSE)
    put(store, WHOLE)
    assert any("dense_only" in option for option in key_of(open_page("curvature"), ".search").options)
    assert not any("dense_only" in option for option in key_of(open_page("sanity"), ".of.search").options)


def test_sanity_checks_leave_out_what_is_not_known(open_page, store, queue):
    put(store, SPARSE)
    app = open_page("sanity")
    key_of(app, ".of.search").select(SPARSE.key).run()
    assert not app.error
    assert key_of(app, ".checks").value == ["shuffled_mask", "random_mask", "small_dense"]
    assert "trainings" in words(app)


def test_signs_are_those_of_its_end(open_page, store):
    put(store, SPARSE)
    app = open_page("signs")
    key_of(app, ".of.search").select(SPARSE.key).run()
    assert not app.error
    assert key_of(app, ".source").value == "solution"


@pytest.mark.parametrize("page", ["home", "find", "near", "methods", "stability", "features", "compare", "jobs"])
def test_other_pages_open_beside_it(open_page, store, page):
    for search in (WHOLE, SPARSE, DENSE):
        put(store, search)
    app = open_page(page)
    assert not app.exception
    assert not app.error


def test_two_of_them_side_by_side(open_page, store):
    put(store, WHOLE)
    put(store, SPARSE)
    app = open_page("compare", search=[WHOLE.key, SPARSE.key])
    assert not app.exception
    assert not app.error


def test_nobody_chooses_it_in_a_form(open_page):
    app = open_page("find", preset="first-ticket")
    options = key_of(app, ".search.name").options
    assert "Iterative magnitude pruning (IMP)" in options
    assert Imported.title not in options
