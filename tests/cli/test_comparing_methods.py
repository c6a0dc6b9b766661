"""Sanity checks, methods compared and their objectives on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from lth_engine.cli.flags import read_flags
from lth_engine.cli.pointing import pointed
from lth_engine.core.errors import BadInput
from lth_engine.specs.models import Resnet
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.sanity import SanityChecks
from lth_engine.store.store import Store
from tests.cli.conftest import SEARCH, Command

SMALL = ("--of.length", "1ep", "--of.replicates", "2")


def test_sanity_checks_of_a_stored_search(command: Command, shelf: Path, tmp_path: Path) -> None:
    shelf = Path(shutil.copytree(shelf, tmp_path / "lab"))
    asked = ("answer", "--question", "sanity_checks", "--of", SEARCH.key[:10], "--level", "1", "--checks",
             "shuffled_mask,small_dense", "--store", shelf)
    code, out, _ = command(*asked)
    question = SanityChecks(of=SEARCH, level=1, checks=("shuffled_mask", "small_dense"))
    assert code == 0
    assert question.key in out
    head, *lines = out.splitlines()
    assert head.split()[:2] == ["accuracy", "%"]
    assert [line[:13].strip() for line in lines[:4]] == ["dense", "ticket", "shuffled mask", "small dense"]
    assert "verdict text" in out
    values = json.loads(command(*asked, "--json")[1])
    assert len(values["table"]) == 4 * 2
    assert values["arrays"]["check/name"] == ["shuffled_mask", "small_dense"]
    assert f"{question.key[:12]}  sanity_checks" in command("ls", "--store", shelf)[1]
    assert "shuffled mask" in command("show", question.key, "--store", shelf)[1]


def test_methods_compared_and_their_objectives(command: Command, tmp_path: Path) -> None:
    where = ("--methods", "random,magnitude", "--store", tmp_path / "lab", *SMALL)
    code, out, _ = command("answer", "--question", "method_comparison", "--level", "4", *where)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[:4]] == ["method", "random", "magnitude", "dense"]
    assert "best accuracy" in out
    code, out, _ = command("answer", "--question", "objective_values", "--images", "600", "--first-level", "4",
                           "--last-level", "4", "--objectives", "task_loss", "reverse_kl", *where)
    assert code == 0
    assert out.splitlines()[0].split() == ["method", "level", "density", "%", "task", "loss", "reverse", "kl"]
    assert len(Store(tmp_path / "lab", create=False).list("objective_values")) == 1


def test_a_price_says_what_the_masks_cost(command: Command, tmp_path: Path) -> None:
    asked = ("price", "--search", "cts", "--search.length", "2ep", "--levels", "1", "--replicates", "1",
             "--training.length", "1ep", "--store", tmp_path / "lab")
    assert "of that, masks" in command(*asked)[1]
    assert "2 epochs" in command(*asked)[1]
    assert "masks" not in command("price", *asked[5:])[1]


@pytest.mark.parametrize("question", ["sanity_checks", "method_comparison", "objective_values"])
def test_their_flags_are_explained(command: Command, question: str, tmp_path: Path) -> None:
    code, out, _ = command("answer", "--question", question, "--help", "--store", tmp_path)
    assert code == 0
    assert "--of ADDRESS" in out
    assert ("--checks LIST" if question == "sanity_checks" else "--methods LIST") in out


@pytest.mark.parametrize(("line", "text"), [
    ("--question method_comparison --methods random,snipp", "Did you mean snip"),
    ("--question method_comparison --methods none", "Name one method or more"),
    ("--question method_comparison --methods random random", "twice"),
    ("--question method_comparison --methods random --level 150 --of.length 1ep", "method random cannot be compared"),
    ("--question sanity_checks --checks shuffled", "Did you mean shuffled_mask"),
    ("--question sanity_checks --checks none", "Name one check or more"),
    ("--question sanity_checks --checks redrawn --level 150", "must keep between 1"),
    ("--question sanity_checks --of.model resnet", "has one width"),
    ("--question objective_values --objectives loss", "Unknown objective_values.objectives"),
    ("--question objective_values --first-level 9 --last-level 3", "Exchange them"),
    ("--question objective_values --methods random --images 100", "Lower it to 100"),
    ("--question sanity_checks --of nobody", "no store"),
])
def test_bad_input_is_one_sentence(command: Command, tmp_path: Path, line: str, text: str) -> None:
    code, out, err = command("answer", *line.split(), "--store", tmp_path / "lab", "--data-root", tmp_path)
    assert (code, out) == (2, "")
    assert text in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("error: ")


def test_checks_that_suit_a_network_are_read_before_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A network of one width has no small one, which is among the checks unless they are named."""
    wide = SimpleNamespace(question=TicketSearch(model=Resnet()))
    monkeypatch.setattr("lth_engine.cli.pointing.presets", lambda: {"wide": wide})
    flags = read_flags(["--of", "wide", "--of.levels", "7", "--checks", "redrawn", "--level", "3"])
    question, left = pointed(SanityChecks(), flags, tmp_path)
    assert question == SanityChecks(of=wide.question, checks=("redrawn",), level=3)
    assert [flag.name for flag in left] == ["of.levels"]
    with pytest.raises(BadInput, match="has one width"):
        pointed(SanityChecks(), read_flags(["--of", "wide"]), tmp_path)
