"""A store with one small search in it, computed once by the command line itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lth_engine.cli.main import main
from lth_engine.core.step import Step
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.training import Training

SEARCH = TicketSearch(levels=1, replicates=2, controls=("random_mask",), training=Training(length=Step(1)))
FLAGS = ["--levels", "1", "--replicates", "2", "--controls", "random_mask", "--length", "1ep"]

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds SEARCH and all it was made of; not to be changed."""
    root = tmp_path_factory.mktemp("shelf") / "lab"
    assert main(["answer", *FLAGS, "--store", str(root), "--device", "cpu"]) == 0
    return root


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs one command: (exit code, stdout, stderr)."""
    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err
    return run
