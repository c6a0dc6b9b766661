"""Questions about features on the command line."""

from __future__ import annotations

import json
import shutil

import pytest

from lth_engine.cli.ask import Begun, ask
from lth_engine.core.errors import BadInput
from lth_engine.specs.features import FewShot, LinearProbe, ProbePanel
from tests.cli.conftest import SEARCH, Command


def test_a_probe_of_a_network_of_a_search(command: Command, shelf, tmp_path) -> None:
    shelf = shutil.copytree(shelf, tmp_path / "lab")
    code, out, _ = command("answer", "--question", "linear_probe", "--of", f"{SEARCH.key[:8]}/1/0",
                           "--training.length", "1ep", "--json", "--store", shelf)
    assert code == 0
    said = json.loads(out)
    asked = LinearProbe(of=SEARCH.run(1, 0))
    assert said["key"] == asked.replace(training=asked.training.replace(length="1ep")).key
    assert 0 < said["summary"]["test_accuracy"] <= 1
    assert said["summary"]["features"] == 100
    code, out, _ = command("answer", "--question", "linear_probe", "--of", f"{SEARCH.key[:8]}/1/0",
                           "--training.length", "1ep", "--store", shelf)
    assert code == 0
    assert "opinion accuracy" in out
    assert " %" in out


def test_a_panel_of_a_search(command: Command, shelf, tmp_path) -> None:
    shelf = shutil.copytree(shelf, tmp_path / "lab")
    code, out, _ = command("answer", "--question", "probe_panel", "--of", SEARCH.key, "--level", "1", "--variants",
                           "ticket,dense", "--json", "--store", shelf)
    assert code == 0
    said = json.loads(out)
    assert said["key"] == ProbePanel(of=SEARCH, level=1, variants=("ticket", "dense")).key
    assert len(said["table"]) == 4
    assert said["arrays"]["variant/name"] == ["ticket", "dense"]
    assert said["arrays"]["variant/difference"][0] is None


def test_few_images_of_a_search_and_a_batch_that_is_too_large(command: Command, shelf, tmp_path) -> None:
    shelf = shutil.copytree(shelf, tmp_path / "lab")
    words = ("answer", "--question", "few_shot", "--of", SEARCH.key, "--percents", "10", "--store", shelf)
    code, _, err = command(*words)
    assert code == 2
    assert "At 10% of the images: few_shot.batch_size must be at most the 120 training images. Got 128." in err
    code, out, _ = command(*words, "--batch_size", "30", "--json")
    assert code == 0
    assert json.loads(out)["key"] == FewShot(of=SEARCH, percents=("10",), batch_size=30).key


def test_a_search_from_trained_weights_is_asked_about_what_is_trained(tmp_path) -> None:
    words = ["--of.search", "lrr", "--variants", "trained_ticket,trained_dense"]
    asked = ask(Begun(question="probe_panel"), words, tmp_path)
    assert isinstance(asked, ProbePanel)
    assert (asked.of.search.name, asked.variants) == ("lrr", ("trained_ticket", "trained_dense"))
    with pytest.raises(BadInput, match="Choose trained_ticket and trained_dense, or a search by imp or cts"):
        ask(Begun(question="probe_panel"), words[:2], tmp_path)
    with pytest.raises(BadInput, match=r"--of\.training\.length or --training\.length\. Write one of them"):
        ask(Begun(question="probe_panel"), ["--length", "3ep"], tmp_path)
