"""Texts behind the numbers of the pages: one form, short, formulas that KaTeX sets, nothing that Markdown eats."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "assets" / "explained"
FILES = sorted(FOLDER.glob("*.md"))
PARTS = ("What", "Formula", "Unit and range", "Do not believe it when", "Source")
LABEL = re.compile(r"^\*\*([^*\n]+)\*\*  \n", re.MULTILINE)
FORMULA = re.compile(r"\$([^$]*)\$")

COMMANDS = set(re.findall(r"\w+", """
    alpha approx arg bar big binom cap cdot cup delta diag dots ell epsilon eta frac ge in langle lambda lceil le
    leftarrow ll ln log lVert mathbb mathcal mathrm max mid min mu nabla ne odot operatorname partial perp phi pi Pr
    rangle rceil rVert sigma sim sqrt sum tau text tfrac theta top varepsilon Vert
    beta gamma infty kappa notin pm propto rho times"""))
"""Commands of LaTeX in use, all of which KaTeX sets."""

SPACES = frozenset("\\" + sign for sign in "!, {}#")
"""Spaces and escaped signs."""

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def parts(path: Path) -> dict[str, str]:
    """Label -> what stands under it."""
    pieces = LABEL.split(text(path))
    assert not pieces[0]
    return dict(zip(pieces[1::2], map(str.strip, pieces[2::2]), strict=True))


def test_there_are_texts() -> None:
    assert len(FILES) >= 30


@every_file
def test_has_the_five_parts_in_order(path: Path) -> None:
    assert tuple(LABEL.findall(text(path))) == PARTS
    assert all(parts(path).values())
    assert all("\n" not in part for part in parts(path).values())


@every_file
def test_is_short_and_made_of_sentences(path: Path) -> None:
    assert 50 <= len(text(path).split()) < 200
    for part in parts(path).values():
        assert part.endswith("."), part


@every_file
def test_formulas_are_whole(path: Path) -> None:
    found = text(path)
    assert found.count("$") % 2 == 0
    assert FORMULA.search(parts(path)["Formula"])
    for formula in FORMULA.findall(found):
        assert re.fullmatch(r"\S(.*\S)?", formula), "a $ with a space inside is no formula"
        plain = formula.replace(r"\{", "").replace(r"\}", "")
        depth = 0
        for sign in plain:
            depth += (sign == "{") - (sign == "}")
            assert depth >= 0, formula
        assert depth == 0, formula
        assert formula.count("(") + formula.count("[") == formula.count(")") + formula.count("]"), formula
        assert set(re.findall(r"\\([A-Za-z]+)", formula)) <= COMMANDS, formula
        assert set(re.findall(r"\\[^A-Za-z]", formula)) <= SPACES, formula


@every_file
def test_nothing_outside_formulas_is_read_as_markup(path: Path) -> None:
    plain = FORMULA.sub("", LABEL.sub("", text(path)))
    assert not re.search(r"[\\_*<>|]|\]\(|:\w[\w-]*:|[{}^]", plain), plain
    assert plain.isascii()
