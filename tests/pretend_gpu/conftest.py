"""The fixtures that give a test the pretend GPU."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lth_engine.answer import answer
from lth_engine.core.artifact import Artifact
from lth_engine.specs.question import Question
from lth_engine.store.store import Store
from tests.pretend_gpu.runtime import pretended
from tests.pretend_gpu.state import STATE, State


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """The pretend GPU (see `tests.pretend_gpu`); counts who waits for it."""
    with pretended(monkeypatch):
        yield STATE


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Both]:
    """Answers a question on the CPU and then on the pretend GPU, each into a store of its own."""
    before = torch.are_deterministic_algorithms_enabled()  # trainings set it and leave it
    yield Both(monkeypatch, tmp_path)
    torch.use_deterministic_algorithms(before)


class Both:
    """The two stores and data root of a test.

    Attributes:
        cpu: the store of the CPU's answers.
        gpu: that of the pretend GPU's.
    """

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self._patch, self._data = patch, folder / "data"
        self.cpu, self.gpu = Store(folder / "cpu"), Store(folder / "gpu")

    def __call__(self, question: Question) -> tuple[Artifact, Artifact]:
        """The answers of CPU and pretend GPU."""
        theirs = answer(question, self.cpu, data_root=self._data, device="cpu")
        with pretended(self._patch):
            return theirs, self.on_gpu(question)

    def on_gpu(self, question: Question) -> Artifact:
        """The pretend GPU's answer, where there is one already (see :func:`gpu`)."""
        found = answer(question, self.gpu, data_root=self._data, device="cuda")
        assert found.provenance.device == "pretend GPU"
        return found

    def begin_with(self, store: Store) -> None:
        """Let both have what another store holds, so that only what is asked next is computed on both."""
        for own in (self.cpu, self.gpu):
            shutil.rmtree(own.root)
            shutil.copytree(store.root, own.root)
        self.cpu, self.gpu = Store(self.cpu.root), Store(self.gpu.root)
