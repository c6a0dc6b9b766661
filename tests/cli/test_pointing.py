"""Flags that point to networks of the store."""

from __future__ import annotations

import json
import shutil

import pytest

from lth_engine.cli.main import ASKABLE
from lth_engine.specs.connecting import Connectivity, LevelPath
from lth_engine.specs.curvature import HessianTrace
from lth_engine.specs.presets import question_for_preset
from lth_engine.specs.signs import SignPanel
from lth_engine.specs.stability import FirstStablePoint
from lth_engine.specs.tickets import DenseTicket
from tests.cli.conftest import SEARCH, Command

POINTS = ["--points", "3", "--resamples", "0", "--no-training-images"]


def test_a_question_is_answered_about_runs_that_are_pointed_to(command: Command, shelf, tmp_path) -> None:
    shelf = shutil.copytree(shelf, tmp_path / "lab")
    code, out, _ = command("answer", "--question", "connectivity", "--first", f"{SEARCH.key[:8]}/0/0", "--second",
                           f"{SEARCH.key}/1/1/random_mask", *POINTS, "--json", "--store", shelf)
    assert code == 0
    wanted = Connectivity(first=SEARCH.run(0, 0), second=SEARCH.run(1, 1, "random_mask"), points=3, resamples=0,
                          training_images=False)
    said = json.loads(out)
    assert said["key"] == wanted.key
    assert said["arrays"]["alpha"] == [0.0, 0.5, 1.0]
    assert [said["arrays"]["test_error"][i] for i in (0, -1)] == [
        said["summary"]["first_test_error"], said["summary"]["second_test_error"]]
    code, out, _ = command("answer", "--question", "connectivity", "--first", SEARCH.run(0, 0).key, "--second",
                           f"{SEARCH.key}/1/1/random_mask", *POINTS, "--store", shelf)
    assert code == 0
    assert wanted.key in out


@pytest.mark.parametrize(("words", "wanted"), [
    (["hessian_trace", "--of", "first-ticket/4/2"], lambda s: HessianTrace(of=s.run(4, 2))),
    (["hessian_trace", "--of", "first-ticket/4/2/redrawn", "--probe", "1"], None),
    (["level_path", "--of", "first-ticket", "--replicate", "2"], lambda s: LevelPath(of=s, replicate=2)),
    (["first_stable_point", "--start", "first-ticket/1", "--momentum", "0"], lambda s: FirstStablePoint(
        start=DenseTicket(model=s.model, data=s.data, init_seed=s.seed + 1, order_seed=s.seed + 1,
                          training=s.training.replace(optimizer=s.training.optimizer.replace(momentum=0))))),
])
def test_a_preset_is_an_address_too(command: Command, tmp_path, words, wanted) -> None:
    code, _, err = command("submit", "--question", *words, "--store", tmp_path, "--data-root", tmp_path, "--json") \
        if wanted is None else (0, "", "")
    if wanted is None:
        assert code == 2
        assert "--probe" in err
        return
    from lth_engine.cli.ask import Begun, ask

    assert ask(Begun(question=words[0]), words[1:], tmp_path) == wanted(question_for_preset("first-ticket"))


@pytest.mark.parametrize(("address", "sentence"), [
    ("nothing", "No training of a ticket has a key that begins with 'nothing'"),
    ("first-ticket/11/0", "LEVEL from 0 to 10, REPLICATE from 0 to 2"),
    ("first-ticket/1", "must be SEARCH/LEVEL/REPLICATE"),
    ("first-ticket", "'first-ticket' must be SEARCH/LEVEL/REPLICATE with LEVEL from 0 to 10"),
    (SEARCH.key, "must be SEARCH/LEVEL/REPLICATE with LEVEL from 0 to 1, REPLICATE from 0 to 1"),
    ("first-ticket/1/-1", "must be SEARCH/LEVEL/REPLICATE"),
    ("first-ticket/1/٣", "must be SEARCH/LEVEL/REPLICATE"),
    ("first-ticket/0/0/redrawn", "Unknown control at level 0"),
    ("first-ticket/1/0/redrwn", "Did you mean redrawn?"),
    ("first-ticket/1/0/redrawn/x", "Unknown control"),
])
def test_what_an_address_does_not_mean_is_said(command: Command, shelf, address, sentence) -> None:
    code, _, err = command("answer", "--question", "hessian_trace", "--of", address, "--store", shelf)
    assert code == 2
    assert sentence in err


def test_ways_to_begin_exclude_each_other(command: Command) -> None:
    code, _, err = command("answer", "--question", "connectivity", "--preset", "aws")
    assert (code, "exclude each other" in err) == (2, True)
    code, _, err = command("answer", "--question", "conectivity")
    assert (code, "Did you mean connectivity?" in err) == (2, True)


@pytest.mark.parametrize("name", [name for name in ASKABLE if name not in ("run", "imported_run")])
def test_the_help_of_each_question_lists_its_own_settings(command: Command, name) -> None:
    code, out, _ = command("answer", "--question", name, "--help")
    assert code == 0
    assert "ADDRESS" in out
    assert "ticket.dense" not in out
    assert "--first.ticket" not in out
    assert "--of.ticket" not in out


def test_a_panel_of_signs_is_asked_of_a_search_and_a_level(command: Command, shelf, tmp_path) -> None:
    """LeNet has no normalisation, so there are four cases."""
    shelf = shutil.copytree(shelf, tmp_path / "lab")
    words = ["answer", "--question", "sign_panel", "--of", SEARCH.key[:8], "--level", "1", "--store", shelf]
    code, out, _ = command(*words, "--lines", "--points", "3", "--json")
    assert code == 0
    said = json.loads(out)
    assert said["key"] == SignPanel(of=SEARCH, lines=True, points=3).key
    assert len(said["table"]) == 4 * SEARCH.replicates
    assert len(said["arrays"]["cell/word"]) == 4
    assert sum(barrier is not None for barrier in said["arrays"]["cell/barrier_solution"]) == 2
    code, out, _ = command(*words)
    assert code == 0
    assert "the mask alone" in out
    code, _, err = command(*words[:-3], "2", *words[-2:])
    assert code == 2
    assert "sign_panel.level must be a level of the search, 1 to 1" in err
