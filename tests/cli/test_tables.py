"""Panels as tables on the command line: every row that was asked for, with its difference and its interval."""

from __future__ import annotations

import numpy as np

from lth_engine.cli.tables import TABLES
from lth_engine.core.artifact import Array, Artifact, Provenance, text_array

NAN = float("nan")
COMPARED: dict[str, Array] = {
    "accuracy": np.array([0.9, 0.5]), "half_width": np.array([0.01, NAN]), "difference": np.array([NAN, -0.4]),
    "low": np.array([NAN, -0.5]), "high": np.array([NAN, -0.3]), "word": text_array(["", "worse"])}


def said(kind: str, group: str, arrays: dict[str, Array], **more: Array) -> list[list[str]]:
    found = {f"{group}/{name}": value for name, value in (COMPARED | arrays).items()} | {
        name.replace("__", "/"): value for name, value in more.items()}
    origin = Provenance({}, "", "", "", 1, 0.0, 0.0)
    return [line.split() for line in TABLES[kind](Artifact("", kind, {}, {}, found, {}, origin, "")).splitlines()]


def test_each_case_of_a_panel_of_signs_has_its_row() -> None:
    arrays = {"mask": np.array([True, False]), "signs": np.array([True, False]), "norms": np.array([False, False]),
              "barrier_siblings": np.array([0.02, NAN])}
    assert said("sign_panel", "cell", arrays)[1:] == [
        ["mask", "+", "signs", "90.00", "±", "1.00", "-", "-", "-", "2.00"],
        ["nothing", "50.00", "-40.00", "-50.00", "to", "-30.00", "worse", "-"]]


def test_each_variant_has_its_row_and_the_second_opinion() -> None:
    lines = said("probe_panel", "variant", {"name": text_array(["ticket", "trained_dense"])},
                 table__variant=text_array(["ticket", "trained_dense"] * 2),
                 table__opinion_accuracy=np.array([0.8, 0.6, 0.9, 0.7]))
    assert lines[0][-2:] == ["scikit-learn", "%"]
    assert [line[-1] for line in lines[1:]] == ["85.00", "65.00"]
    assert lines[2][:2] == ["trained", "dense"]


def test_each_share_of_the_images_has_its_row() -> None:
    lines = said("few_shot", "row", {"percent": np.array([1, 10]), "variant": text_array(["ticket", "dense"])})
    assert [line[:2] for line in lines[1:]] == [["1", "ticket"], ["10", "dense"]]
