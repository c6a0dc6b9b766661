"""An Artifact's groups and names."""

from __future__ import annotations

import numpy as np

from lth_engine.core.artifact import Artifact, Provenance, text_array, texts


def artifact(**arrays: np.ndarray) -> Artifact:
    origin = Provenance({}, "", "here", "cpu", 1, 0.0, 0.0)
    return Artifact("k", "run", {}, {}, {n.replace("__", "/"): a for n, a in arrays.items()}, {}, origin, "")


def test_group_cuts_the_path_off() -> None:
    found = artifact(mask__a=np.zeros(1), mask__b=np.ones(2), masks__c=np.ones(3), final__a=np.ones(4))
    assert sorted(found.group("mask")) == ["a", "b"]
    assert sorted(found.group("mask/")) == ["a", "b"]
    assert found.group("final")["a"].shape == (4,)
    assert found.group("start") == {}


def test_names_survive_as_bytes() -> None:
    names = ["fc1.weight", "", "Größe"]
    stored = text_array(names)
    assert stored.dtype.kind == "S"
    assert texts(stored) == names
