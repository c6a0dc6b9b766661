"""A spec is answered by the module of its name, and a module that is named so has its spec."""

from __future__ import annotations

import ast
import importlib.util
import pkgutil
from pathlib import Path

import pytest

import lth_engine
from lth_engine.core.spec import Spec
from tests.specs.members import MEMBERS

ROOT = Path(lth_engine.__file__).parent

ANSWERED = {name: cls for name, cls in MEMBERS.items()
            if not cls.package.startswith("lth_engine.specs") and name != "training/training"}
"""Specs with a module of their own. A schedule answers itself, and the training loop answers Training."""


@pytest.mark.parametrize("name", sorted(ANSWERED))
def test_has_its_module(name: str) -> None:
    cls = ANSWERED[name]
    assert importlib.util.find_spec(f"{cls.package}.{cls.name}") is not None


def doors(cls: type[Spec]) -> set[str]:
    """Public functions of the module that answers a spec."""
    path = ROOT.joinpath(*cls.package.split(".")[1:], f"{cls.name}.py")
    return {node.name for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")}


@pytest.mark.parametrize("family", sorted({cls.family for cls in ANSWERED.values()}))
def test_members_of_a_family_have_a_door_in_common(family: str) -> None:
    assert set.intersection(*(doors(cls) for cls in ANSWERED.values() if cls.family == family))


@pytest.mark.parametrize("package", sorted({cls.package for cls in ANSWERED.values()}))
def test_a_module_with_the_door_has_its_spec(package: str) -> None:
    members = [cls for cls in ANSWERED.values() if cls.package == package]
    names = {cls.name for cls in members}
    families: dict[str, set[str]] = {}
    for cls in members:
        families[cls.family] = families.get(cls.family, doors(cls)) & doors(cls)
    folder = ROOT.joinpath(*package.split(".")[1:])
    for module in (m for m in pkgutil.iter_modules([str(folder)]) if not m.ispkg):
        source = (folder / f"{module.name}.py")
        defined = {n.name for n in ast.parse(source.read_text()).body if isinstance(n, ast.FunctionDef)}
        for family, door in families.items():
            entrance = module.name in door  # models/build.py calls the build of each model
            assert module.name in names or entrance or not door <= defined, f"{package}.{module.name}: no {family}"
