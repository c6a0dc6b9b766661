"""The verbs that look at the store: ls, show, export, verify; and presets."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable

from lth_engine.cli.missing import Missing
from lth_engine.cli.result import as_json, as_text, finite, origin_text
from lth_engine.cli.words import columns, duration, when
from lth_engine.core.artifact import Scalar
from lth_engine.core.errors import BadInput, DamagedArtifact, LotteryError
from lth_engine.core.sizes import size
from lth_engine.specs.presets import presets
from lth_engine.store.store import Row, Store

SHOWN = ("verdict", "level", "density", "test_accuracy")
"""Facts of a summary that fit into a list."""


def ls(given: argparse.Namespace) -> int:
    """List answers, newest first."""
    rows = _store(given).list(given.kind, None if given.all else given.limit)
    if given.json:
        print(json.dumps([_row_values(row) for row in rows], allow_nan=False))
    elif rows:
        head = ["key", "kind", "created", "took", "size", "summary"]
        print(columns(head, [_row(row) for row in rows], left=len(head)))
    else:
        print("Nothing is stored yet." if given.kind is None else f"No {given.kind} is stored yet.")
    return 0


def show(given: argparse.Namespace) -> int:
    """Show one answer: the question, the result, where it came from, what it was made of."""
    store = _store(given)
    artifact = store.get(_key(store, given.key))
    if given.json:
        more = {"parents": dict(artifact.parents), "provenance": vars(artifact.provenance) | {
            "software": dict(artifact.provenance.software)}, "content_sha256": artifact.content_sha256}
        print(json.dumps(json.loads(as_json(artifact)) | more, allow_nan=False))
        return 0
    print(f"{artifact.kind} {artifact.key}\n")
    print(as_text(artifact))
    print(f"\nQuestion\n{json.dumps(artifact.spec, indent=2)}")
    print(f"\nOrigin\n{origin_text(artifact)}")
    if artifact.parents:
        lines = "\n".join(f"  {key}  {content[:16]}" for key, content in artifact.parents.items())
        print(f"\nMade of (key, content hash)\n{lines}")
    return 0


def export(given: argparse.Namespace) -> int:
    """Copy answers, with what they were made of unless --only, into one HDF5 file."""
    store = _store(given)
    keys = [_key(store, key) for key in given.key]
    wanted = keys if given.only else _with_inputs(store, keys)
    store.export(wanted, given.to)
    print(f"{len(wanted)} answers in {given.to} ({size(given.to.stat().st_size)})")
    return 0


def verify(given: argparse.Namespace) -> int:
    """Recompute content hashes; status 1 if any answer is damaged or, with --all, missing below another."""
    store = _store(given)
    if given.all == bool(given.key):
        raise BadInput("verify takes keys or --all. Give one of the two.")
    keys = [row.key for row in store.list()] if given.all else [_key(store, key) for key in given.key]
    damaged, missing = 0, Missing(store)
    for key in keys:
        try:
            missing.add(store.get(key))
        except (DamagedArtifact, KeyError) as error:
            damaged += 1
            print(error if isinstance(error, LotteryError) else f"{key} is gone.", file=sys.stderr)
    lost = missing.lines() if given.all else []
    print(*lost, sep="\n", end="\n" if lost else "", file=sys.stderr)
    print(f"{len(keys) - damaged} of {len(keys)} answers are what was written.")
    return 1 if damaged or lost else 0


def list_presets(given: argparse.Namespace) -> int:
    """List the presets with the reason for each."""
    found = presets().values()
    if given.json:
        print(json.dumps([{"name": p.name, "title": p.title, "reason": p.reason, "fails": p.fails,
                           "spec": p.question.to_dict()} for p in found]))
        return 0
    print("\n\n".join(f"{p.name}: {p.title}\n  {p.reason}" + (f"\n  {p.fails}" if p.fails else "") for p in found))
    return 0


def _store(given: argparse.Namespace) -> Store:
    return Store(given.store, create=False)


def _key(store: Store, given: str) -> str:
    """The key that begins like this."""
    return given if store.has([given]) else only_one(given, (row.key for row in store.list()))


def only_one(given: str, keys: Iterable[str], what: str = "answer", listed_by: str = "ls --all") -> str:
    """The one of the keys that begins like this.

    Args:
        given: its beginning.
        keys: all there are.
        what: what has such a key.
        listed_by: the verb that lists them.

    Raises:
        BadInput: none does, or several do.
    """
    found = [key for key in keys if given and key.startswith(given)]
    if len(found) == 1:
        return found[0]
    count = f"{len(found)} keys begin, each of a stored {what}," if found else f"No {what} has a key that begins"
    raise BadInput(f"{count} with {given!r}. Keys are listed by {listed_by}.")


def _with_inputs(store: Store, keys: list[str]) -> list[str]:
    """The keys and all stored answers that they were made of, each once."""
    found: dict[str, None] = {}
    left = list(keys)
    while left:
        key = left.pop()
        if key not in found and store.has([key]):
            found[key] = None
            left.extend(store.head(key).parents)
    return list(found)


def _row(row: Row) -> list[str]:
    facts = ", ".join(f"{name.replace('_', ' ')} {_short(row.summary[name])}" for name in SHOWN if name in row.summary)
    return [row.key[:12], row.kind, when(row.created), duration(row.seconds), size(row.bytes), facts]


def _short(value: Scalar) -> str:
    return f"{100 * value:.2f}%" if isinstance(value, float) else str(value)


def _row_values(row: Row) -> dict[str, object]:
    return vars(row) | {"summary": {name: finite(value) for name, value in row.summary.items()}}
