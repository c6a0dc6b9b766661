"""Every preset file is a question with a reason, and broken files are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lth_engine.core.errors import BadInput
from lth_engine.specs.presets import FOLDER, presets, question_for_preset
from lth_engine.specs.questions import TicketSearch


def test_every_file_is_read_and_explained() -> None:
    found = presets()
    assert sorted(found) == sorted(path.stem for path in FOLDER.glob("*.json"))
    for name, preset in found.items():
        assert preset.title
        assert preset.reason.endswith(".")
        assert isinstance(question_for_preset(name), TicketSearch)


def test_files_write_no_setting_twice_or_wrongly() -> None:
    """What a file says is what the question holds: nothing is ignored."""
    for path in FOLDER.glob("*.json"):
        held = question_for_preset(path.stem).to_dict()
        assert_within(json.loads(path.read_text())["spec"], held, path.stem)


def assert_within(said: object, held: object, where: str) -> None:
    if isinstance(said, dict) and isinstance(held, dict):
        for name, value in said.items():
            assert_within(value, held[name], f"{where}.{name}")
    elif isinstance(said, str) and isinstance(held, dict):
        assert held["name"] == said, where
    else:
        assert said == held, where


def test_the_first_one_is_the_start_pages() -> None:
    assert next(iter(presets())) == "first-ticket"
    assert [name for name, preset in presets().items() if preset.fails] == [
        "resnet20-no-rewind-high-lr", "one-shot-1-percent", "single-seed"]


def test_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(BadInput, match="Did you mean first-ticket"):
        question_for_preset("first-tiket")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"order": 1, "title": "t", "reason": "r", "spec": {"name": "x"}}'])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.json").write_text(text)
    with pytest.raises(BadInput, match=r"mine\.json cannot be read"):
        presets(tmp_path)
