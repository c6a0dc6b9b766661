"""A training on streamed photographs, from the question to the answer: held or not, the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lth_engine.answer import answer
from lth_engine.data import held
from lth_engine.specs.models import Lenet300100
from lth_engine.specs.tickets import DenseTicket, Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from tests.data.layouts import WRITE


@pytest.mark.parametrize("name", ["cub200", "imagenet"])
def test_a_run_on_photographs_in_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = WRITE[name](tmp_path / "data", monkeypatch).spec
    training = Training(length="2ep", batch_size=4, flip=True, resized_crop=True)
    question = Run(ticket=DenseTicket(data=data, model=Lenet300100(first=20, second=10), training=training),
                   training=training)
    one = answer(question, Store(tmp_path / "one"), data_root=tmp_path / "data")
    monkeypatch.setattr(held, "free_memory", lambda: 0)  # nothing is held now
    other = answer(question, Store(tmp_path / "other"), data_root=tmp_path / "data")
    assert 0 <= one.summary["test_accuracy"] <= 1
    assert one.arrays.keys() == other.arrays.keys()
    weights = [path for path in one.arrays if path.endswith(".weight")]
    assert len(weights) >= 3
    assert all(np.array_equal(one.arrays[path], other.arrays[path]) for path in weights)
