"""From what the gate says of a directory to the files of a search: which networks belong together, at which level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lth_engine.specs.bringing import DENSE, without_gaps
from lth_engine.specs.imported import File

MAIN = "main"
"""The branch that is the search itself."""


def families(directory: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The searches of a directory, as (experiment, branch), that have at least one network with a clean copy; those of
    the search itself before branches of it."""
    found = dict.fromkeys((str(m["experiment"]), str(m["branch"])) for m in directory["members"] if _trained(m))
    return tuple(sorted(found, key=lambda family: (family[1] != MAIN, family)))


def files(directory: Mapping[str, Any], experiment: str, branch: str = MAIN) -> tuple[File, ...]:
    """The networks of one search, for `bringing.bring`: every level that all replicates have; these count from 0.

    A dense network is level 0. Where the first sparse ones are counted from 0 (masks before training, learned masks),
    levels move up by one. Training before the search is no network of it. Where a program does not number replicates,
    there is one.

    Args:
        directory: what a card says under `directory`, read with `copies`: members have level (-1 before the search,
            None outside of any), replicate, density and clean (role -> SHA-256).
        experiment: of :func:`families`.
        branch: of it too.
    """
    members = [m for m in directory["members"] if (m["experiment"], m["branch"]) == (experiment, branch)
               and _trained(m) and (m["level"] is None or m["level"] >= 0)]
    shift = int(any(m["density"] < DENSE and not m["level"] for m in members))
    found = [_file(m, shift) for m in members]
    return tuple(without_gaps({(f.level, f.replicate): f for f in found}))


def _file(member: Mapping[str, Any], shift: int) -> File:
    copies: Mapping[str, str] = member["clean"]
    level = int(member["level"] or 0)
    dense = level == 0 and member["density"] >= DENSE
    return File(0 if dense else level + shift, int(member["replicate"] or 0), float(member["density"]),
                copies["final"], copies.get("rewind", copies.get("init", "")))


def _trained(member: Mapping[str, Any]) -> bool:
    """Whether a network was read as it was trained, keeps a weight, and left a clean copy."""
    return "final" in member.get("clean", {}) and bool(member.get("density"))
