"""Search near initialization: nothing asked, running with its curves, cancelled, failed, done; what follows."""

import shlex

import numpy as np
import pytest

from lth_engine.cli.ask import Begun, ask
from lth_engine.core.artifact import Answer
from lth_engine.specs.mask_learners import ContinuousSparsification, Cts, EdgePopup, GemMiner
from lth_engine.specs.objectives import TaskLoss
from lth_engine.specs.questions import TicketSearch, question_from_dict
from lth_engine.specs.tickets import LearnedMask
from pages.ui import find_near_form
from tests.pages.conftest import key_of, words
from tests.pages.diagnosed import alts, begin, drawn
from tests.pages.fake_methods import NEAR, going, put
from tests.pages.fake_search import PROVENANCE, SEARCH


def test_nothing_asked_says_what_it_is_and_offers_cts(open_page, queue):
    app = open_page("near")
    assert "Concrete Ticket Search keeps the weights of an untrained network as they are" in words(app)
    assert "Nothing of this kind has been asked yet" in words(app)
    app.button(key="near.start").click().run()
    (job,) = queue.list()
    asked = question_from_dict(dict(job.spec))
    assert isinstance(asked, LearnedMask)
    assert isinstance(asked.search, Cts)
    assert asked.search.objective.name == "reverse_kl"
    assert app.query_params["ask"] == job.key


def test_what_is_asked_is_the_search_behind_a_ticket_search(open_page, store, queue):
    app = open_page("near")
    key_of(app, ".replicate").set_value(1).run()
    key_of(app, ".lr").set_value(0.3).run()
    tokens = shlex.split(next(c.value for c in app.code if "lth_engine" in c.value))
    app.button(key="near.start").click().run()
    asked = question_from_dict(dict(queue.list()[0].spec))
    assert ask(Begun(question=tokens[5]), tokens[6:], store.root) == asked
    like = TicketSearch(model=asked.start.model, data=asked.start.data, search=asked.search, seed=asked.seed - 1)
    assert like.found(asked.at_level, 1).learned() == asked
    assert asked.search.lr == 0.3


def test_another_learner_and_another_rewind_point_can_be_asked(open_page, queue):
    app = open_page("near")
    key_of(app, "search.name").set_value("edge_popup").run()
    key_of(app, "edge_popup.rewind").set_value("2ep").run()
    app.button(key="near.start").click().run()
    asked = question_from_dict(dict(queue.list()[0].spec))
    assert isinstance(asked.search, EdgePopup)
    assert str(asked.start.rewind) == "2ep"


def test_a_rewind_point_behind_the_end_is_refused_in_words(open_page):
    app = open_page("near")
    key_of(app, "cts.rewind").set_value("900ep").run()
    assert not app.exception
    assert any("900ep" in error.value for error in app.error)


def test_done_shows_curves_histogram_and_numbers(open_page, store):
    put(store, NEAR)
    app = open_page("near", ask=NEAR.key)
    assert not app.error
    assert {"Expected density over the search", "The objective over the search", "The balancer over the search",
            "How many weights have which probability to be kept"} == set(alts(app))
    figure = drawn(app, "Expected density over the search")
    assert figure["data"][0]["y"] == pytest.approx([90, 84, 78, 72, 66])
    assert figure["layout"]["annotations"][0]["text"] == "asked for<br>64"
    assert "66.0 %" in [s.value for s in app.subheader]
    assert "asked for 64 %" in words(app)
    assert "191" in [s.value for s in app.subheader]        # of 298 weights, 64 %
    assert "Not decided yet" not in words(app).split("What now?")[1]


def test_one_search_for_every_level_tells_no_density_that_was_asked_for(open_page, store, queue):
    asked = SEARCH.replace(search=ContinuousSparsification()).found(2, 0).learned()
    put(store, asked)
    other = asked.replace(search=ContinuousSparsification(rounds=2))
    put(store, other)
    app = open_page("near", ask=asked.key)
    said = words(app)
    assert not app.exception
    assert "nan" not in said
    assert "no density was asked for" in said
    assert "one search is cut at the density of each level" in said
    assert "at every level" in [s.value for s in app.subheader]
    assert "every level" in app.multiselect[0].options[0]
    assert {"Density of the soft mask over the search", "The loss over the search", "The hardness over the search",
            "How many weights have which probability to be kept"} == set(alts(app))
    assert not drawn(app, "Density of the soft mask over the search")["layout"].get("annotations")
    search = find_near_form.ticket_search(asked, [SEARCH])
    assert search is not None
    assert search.levels == SEARCH.levels > 1
    app = open_page("near", ask=[asked.key, other.key])
    assert app.dataframe[0].value["asked for (%)"].isna().all()


def test_no_level_is_asked_of_one_search_for_every_level(open_page, queue):
    app = open_page("near")
    assert not key_of(app, ".level").disabled
    key_of(app, "search.name").set_value("continuous_sparsification").run()
    assert key_of(app, ".level").disabled
    assert "every level's" in [metric.value for metric in app.metric]
    app.button(key="near.start").click().run()
    assert isinstance(question_from_dict(dict(queue.list()[0].spec)).search, ContinuousSparsification)


def test_gem_miner_shows_what_is_not_frozen_out(open_page, store):
    asked = SEARCH.replace(search=GemMiner()).found(2, 0).learned()
    arrays = going() | {"history/loss": np.ones(5), "history/active": np.linspace(1, 0.64, 5)}
    for name in ("history/objective", "history/balancer"):
        del arrays[name]
    store.put(asked, Answer(arrays, {"loss": 1.0, "density": 0.64, "prunable": 298, "epochs": 20.0, "steps": 200,
                                     "train_seconds": 1.0, "remark": "", "wanted_density": 0.64, "level": 2}),
              parents={}, provenance=PROVENANCE)
    app = open_page("near", ask=asked.key)
    found = drawn(app, "Weights that are not frozen out over the search")
    assert found["data"][0]["y"] == pytest.approx([100, 91, 82, 73, 64])
    assert found["layout"]["yaxis"]["title"]["text"] == "Weights not frozen out (%)"
    assert "Expected density" not in [p.proto.popover.label for p in app.get("popover")]


def test_a_search_that_ended_far_from_its_density_or_undecided_says_so(open_page, store):
    put(store, NEAR, remark="The search ended at an expected density of 90%, far from it.")
    assert "The search ended at an expected density of 90%" in words(open_page("near", ask=NEAR.key))
    assert "only 100 are more likely" not in words(open_page("near", ask=NEAR.key))
    sparse = NEAR.replace(at_level=1)       # keeps 238 of 298, of which 100 are likely
    put(store, sparse)
    assert "only 100 are more likely kept than not" in words(open_page("near", ask=sparse.key))


@pytest.mark.parametrize(("state", "said"), [("cancelled", "Cancelled"), ("failed", "The objective became NaN")])
def test_while_it_runs_the_curves_grow_in_the_scale_of_the_whole_search(open_page, store, queue, state, said):
    job = begin(queue, NEAR)
    app = open_page("near", ask=NEAR.key)
    assert "So far" not in words(app)
    store.checkpoint(NEAR.key).save(going(3) | {"learner/logits": np.zeros(298)}, {})
    app = open_page("near", ask=NEAR.key)
    assert "So far: epoch 3 of 20, expected density 66 %, asked for 64 %" in words(app).replace("*", "")
    assert drawn(app, "The objective over the search")["layout"]["xaxis"]["range"] == [0, 20]
    queue.finish(job.id, 1, state, "The objective became NaN. Lower search.lr.")
    app = open_page("near", ask=NEAR.key)
    assert said in words(app)
    assert "How many weights have which probability to be kept" in alts(app)


def test_several_searches_are_drawn_together(open_page, store):
    other = NEAR.replace(search=Cts(objective=TaskLoss()))
    put(store, NEAR)
    put(store, other)
    app = open_page("near", ask=[NEAR.key, other.key])
    names = [t["name"] for t in drawn(app, "Expected density over several searches")["data"]]
    assert names == ["A: Reverse KL divergence", "B: Task loss"]
    assert app.dataframe[0].value["asked for (%)"].tolist() == pytest.approx([64, 64])


def test_the_ticket_search_of_a_mask_has_its_network_its_seeds_and_its_training():
    found = find_near_form.ticket_search(NEAR, [SEARCH.replace(margin=0.02)])
    assert found is not None
    assert found.found(2, 0).learned() == NEAR
    assert (found.margin, found.seed) == (0.02, 7)
    alone = find_near_form.ticket_search(NEAR, [])
    assert alone is not None
    assert alone.found(2, 0).learned() == NEAR
    late = SEARCH.replace(search=Cts(rewind="2ep")).found(2, 1).learned()
    found = find_near_form.ticket_search(late, [SEARCH])
    assert found is not None
    assert found.found(2, 1).learned() == late
    assert find_near_form.ticket_search(NEAR.replace(seed=12), [SEARCH]) is None
