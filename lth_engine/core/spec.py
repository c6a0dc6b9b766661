"""A Spec is a question: a frozen dataclass of knobs whose hash is the address of its answer.

Specs come in families ("model", "data", "search" ...); a family's members are found by name, and
the code that answers a member is the module of the same name in the family's package.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from lth_engine.core.errors import BadInput, UnknownName, clipped
from lth_engine.core.knob import knobs
from lth_engine.core.step import Step

_FAMILIES: dict[str, dict[str, type[Spec]]] = {}

KEY_LENGTH = 24
"""Hex digits in a key: 96 bits, so that a billion artifacts collide with probability 1e-11."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A question, or a part of one. Subclasses declare their knobs as fields.

    Class arguments: `family` opens a family; `name` makes the class a member of the nearest one;
    `package` is where its module (or its members' modules) lives.

    Raises:
        BadInput: a knob is out of range or of the wrong type.
    """

    family: ClassVar[str]
    name: ClassVar[str]
    package: ClassVar[str]
    title: ClassVar[str] = ""
    revision: ClassVar[int] = 1
    """Raised when the meaning of the answer changes, so that old answers are not served."""

    def __init_subclass__(cls, family: str = "", name: str = "", package: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if family:
            cls.family = family
            _FAMILIES.setdefault(family, {})
        if package:
            cls.package = package
        if name:
            cls.name = name
            if _FAMILIES[cls.family].setdefault(name, cls) is not cls:
                raise TypeError(f"Two specs are called {name} in the family {cls.family}.")

    def __post_init__(self) -> None:
        for k in knobs(type(self)):
            object.__setattr__(self, k.name, k.check(self.name, getattr(self, k.name)))
        self.check()

    def check(self) -> None:
        """Refuse combinations of knobs that make no sense. Raises BadInput."""

    @functools.cached_property
    def key(self) -> str:
        """Address of the answer: a hash of the class name and of every knob by name."""
        text = json.dumps(self._identity(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, all knobs included; :func:`from_dict` reads it back."""
        return {"name": self.name} | {k.name: _plain(getattr(self, k.name)) for k in knobs(type(self))}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build this class from plain values; knobs left out take their defaults.

        Raises:
            BadInput: a knob that does not exist, or a value that is not allowed.
        """
        declared = {k.name: k for k in knobs(cls)}
        given = {name: value for name, value in values.items() if name != "name"}
        for name in given:
            if name not in declared:
                raise UnknownName(f"setting of {cls.name}", name, declared)
        built = {name: _build(cls.name, declared[name].type, declared[name].default, value)
                 for name, value in given.items()}
        return cls(**built)

    def inputs(self) -> tuple[Spec, ...]:
        """The questions that must be answered before this one."""
        return ()

    def replace(self, **changes: Any) -> Self:
        """The same question with some knobs changed."""
        return dataclasses.replace(self, **changes)

    def _identity(self) -> dict[str, Any]:
        parts: dict[str, Any] = {"family": self.family, "name": self.name}
        if self.revision > 1:
            parts["revision"] = self.revision
        for k in knobs(type(self)):
            value = getattr(self, k.name)
            if not (k.added and value == k.default):
                parts[k.name] = value._identity() if isinstance(value, Spec) else _plain(value)
        return parts


def families() -> tuple[str, ...]:
    """Names of all families."""
    return tuple(sorted(_FAMILIES))


def catalogue(family: str) -> dict[str, type[Spec]]:
    """The members of a family by name, in order of declaration."""
    return dict(_FAMILIES[family])


def is_family(kind: Any) -> bool:
    """Whether a knob's type stands for any member of a family."""
    return isinstance(kind, type) and issubclass(kind, Spec) and not hasattr(kind, "name")


def is_spec(kind: Any) -> bool:
    """Whether a knob's type is a Spec: a family or one class."""
    return isinstance(kind, type) and issubclass(kind, Spec)


def from_dict(family: str, values: dict[str, Any] | str) -> Spec:
    """Build the member of a family that `values["name"]` (or the bare name) says.

    Raises:
        BadInput: no name, an unknown one, or knobs that are not allowed.
    """
    if isinstance(values, str):
        values = {"name": values}
    if not isinstance(values, dict) or not isinstance(values.get("name"), str):
        raise BadInput(f'A {family} is written as {{"name": ..., settings}}. Got {clipped(values)}.')
    members = _FAMILIES[family]
    if values["name"] not in members:
        raise UnknownName(family, values["name"], members)
    return members[values["name"]].from_dict(values)


def _build(owner: str, kind: Any, default: Any, value: Any) -> Any:
    if not is_spec(kind) or isinstance(value, Spec):
        return value
    if isinstance(value, dict) and "name" not in value:
        value = {"name": default.name} | value
    built = from_dict(kind.family, value)
    if not isinstance(built, kind):
        raise BadInput(f"{owner} needs a {kind.name} here. Got {built.name}.")
    return built


def _plain(value: Any) -> Any:
    if isinstance(value, Spec):
        return value.to_dict()
    if isinstance(value, Step):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value
