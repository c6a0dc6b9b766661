"""Questions about features on the command line."""

from __future__ import annotations

import json
import shutil

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


def test_few_images_of_a_search_and_a_batch_that_is_too_large(command: Command, shelf, tmp_path) -> None:
    shelf = shutil.copytree(shelf, tmp_path / "lab")
    words = ("answer", "--question", "few_shot", "--of", SEARCH.key, "--percents", "10", "--store", shelf)
    code, _, err = command(*words)
    assert code == 2
    assert "At 10% of the images: few_shot.batch_size must be at most the 120 training images. Got 128." in err
    code, out, _ = command(*words, "--batch_size", "30", "--json")
    assert code == 0
    assert json.loads(out)["key"] == FewShot(of=SEARCH, percents=("10",), batch_size=30).key
