"""The README is true: its commands exist, no verb or target is missing, and nothing private is in the tree."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lth_engine.cli.ask import Begun, base
from lth_engine.cli.flags import apply_flags, read_flags
from lth_engine.cli.main import ASKING, VERBS, parsers
from lth_engine.cli.pointing import pointed
from tests.test_layers import MAY_IMPORT

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

TARGETS = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)

PRIVATE = re.compile(
    r"/home/\w|/root/|/Users/\w|(?<![\w/.])/work/|C:\\\\Users"
    r"|pypi\.org|pythonhosted|download\.pytorch\.org|deb\.debian\.org|archive\.ubuntu|registry\.npmjs|index-url",
    re.IGNORECASE)
"""Folders of one machine, and hosts that packages come from."""

TEXT = {".py", ".md", ".toml", ".json", ".txt", ".sh", ".css", ".js", ".html", ""}


def console_commands() -> Iterator[list[str]]:
    """The words of each `$ command` in the README's console blocks, comments cut off."""
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                yield shlex.split(line[2:], comments=True)


COMMANDS = list(console_commands())


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_is_in_the_readme(verb: str) -> None:
    assert f"`{verb}`" in README


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_is_in_the_readme(target: str) -> None:
    assert f"make {target}" in README


@pytest.mark.parametrize("layer", sorted(MAY_IMPORT))
def test_every_layer_is_in_the_readme(layer: str) -> None:
    assert re.search(rf"^\| .*`{layer}`.* \|", README, re.MULTILINE)


def test_the_readme_has_commands() -> None:
    assert ["make", "run"] in COMMANDS
    assert ["make", "test"] in COMMANDS
    assert {words[3] for words in COMMANDS if words[:3] == ["python", "-m", "lth_engine"]} >= {"answer", "price"}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_of_the_readme_exist(words: list[str]) -> None:
    if words[0] == "make":
        assert set(words[1:]) <= set(TARGETS)
        return
    assert words[:3] == ["python", "-m", "lth_engine"], "only make and the lab's own commands"
    given, rest = parsers()[0].parse_known_args(words[3:])
    if given.verb not in ASKING:
        assert not rest
        return
    apply_flags(*pointed(base(Begun(None, given.preset, given.question)), read_flags(rest), Path("no store")))


def tracked() -> list[Path]:
    """Files that a clone holds; all files where there is no git."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return [ROOT / name for name in done.stdout.split("\0") if name]
    return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]


def test_nothing_private_is_in_the_tree() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked() if path.suffix in TEXT and path.exists() and path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if PRIVATE.search(line)
    ]
    assert not found, "\n".join(found)


def test_pictures_of_the_readme_exist() -> None:
    for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / name).is_file(), name


def test_nothing_is_left_to_fill() -> None:
    assert "<!-- FILL" not in README
