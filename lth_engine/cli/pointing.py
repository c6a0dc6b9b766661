"""Flags that point to a network or a search of the store: --of KEY, --first SEARCH/LEVEL/REPLICATE.

A question about a trained network has a whole run among its knobs. Instead of spelling it out, one points to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from lth_engine.cli.addresses import settings
from lth_engine.cli.flags import Flag, apply_flags
from lth_engine.cli.shelf import only_one
from lth_engine.core.errors import BadInput, UnknownName
from lth_engine.core.knob import Knob, knobs
from lth_engine.core.spec import Spec, is_family, is_spec
from lth_engine.specs.presets import presets
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch, question_from_dict
from lth_engine.specs.tickets import DenseTicket, Run
from lth_engine.store.store import Store

HOW: dict[type[Spec], str] = {
    Run: "KEY of a run, or SEARCH/LEVEL/REPLICATE or SEARCH/LEVEL/REPLICATE/CONTROL, where SEARCH is the key of a "
         "ticket search or the name of a preset",
    TicketSearch: "KEY of a ticket search, or the name of a preset",
    DenseTicket: "SEARCH or SEARCH/REPLICATE, where SEARCH is the key of a ticket search or the name of a preset: its "
                 "network, images and training",
}
"""What a flag of a knob of this type may point to, for the help."""


def pointing(question: Question) -> dict[str, Knob]:
    """The knobs of a question that a flag may point for, by name."""
    return {k.name: k for k in knobs(type(question)) if is_spec(k.type) and not is_family(k.type) and k.type in HOW}


def pointed(question: Question, flags: Sequence[Flag], root: Path) -> tuple[Question, list[Flag]]:
    """The question with what the flags point to, and the flags that are left.

    Args:
        question: what is asked.
        flags: as typed.
        root: folder of the store.

    Raises:
        BadInput: nothing in the store is meant, or something of the wrong kind.
    """
    known, changes, left = pointing(question), {}, []
    question, flags = _own_first(question, flags, known)
    for flag in flags:
        knob = known.get(flag.name.replace("-", "_"))
        if knob is None:
            left.append(flag)
        elif len(flag.words) != 1:
            raise BadInput(f"--{flag.name} takes one address: {HOW[knob.type]}. Got {' '.join(flag.words) or 'none'}.")
        else:
            changes[knob.name] = _found(knob.type, flag.words[0], root)
    return (question.replace(**changes) if changes else question), left


def run_at(address: str, root: Path) -> Run:
    """The run that an address means: its key, SEARCH/LEVEL/REPLICATE or SEARCH/LEVEL/REPLICATE/CONTROL.

    Args:
        address: as typed.
        root: folder of the store.

    Raises:
        BadInput: nothing in the store is meant, or something of the wrong kind.
    """
    return cast(Run, _found(Run, address, root))


def _own_first(question: Question, flags: Sequence[Flag], known: Mapping[str, Knob]) -> tuple[Question, list[Flag]]:
    """The question with its own plain settings applied, where they can stand before its parts are picked: what is
    picked or pointed to may suit them alone. The flags that are left."""
    given = [flag for flag in flags if flag.name.replace("-", "_") not in known]
    own = [flag for flag in given if flag.name.replace("-", "_") in _plain(question)]
    if not own:
        return question, list(flags)
    try:
        return apply_flags(question, own), [flag for flag in flags if flag not in own]
    except BadInput:
        return question, list(flags)  # they may suit what is pointed to; if not, the error comes then


def _plain(question: Question) -> set[str]:
    """Names of the question's own settings that are no parts."""
    return {name for name, setting in settings(question).items() if len(setting.path) == 1 and not setting.picks}


def _found(kind: type[Spec], address: str, root: Path) -> Spec:
    """The run, search or dense network that an address means."""
    name, *parts = address.split("/")
    if kind is Run and not parts and not _is_search(name, root):
        return cast(Run, _stored(name, root, Run))
    search = presets()[name].question if name in presets() else _stored(name, root, TicketSearch)
    if not isinstance(search, TicketSearch):
        raise BadInput(f"{name} asks for a {search.name}, not a ticket_search. Name another.")
    if kind is Run:
        return _run(search, parts, address)
    if kind is TicketSearch:
        if parts:
            raise BadInput(f"A search is meant by its key alone. Got {address!r}; leave out what follows {name}.")
        return search
    replicate = _numbers(parts or ["0"], ("REPLICATE",), (search.replicates,), address)[0]
    seed = search.seed + replicate
    return DenseTicket(model=search.model, data=search.data, training=search.training, init_seed=seed, order_seed=seed)


def _run(search: TicketSearch, parts: Sequence[str], address: str) -> Run:
    level, replicate = _numbers(parts[:2], ("LEVEL", "REPLICATE"), (search.levels + 1, search.replicates), address)
    variant, *more = parts[2:] or ["ticket"]
    trained = ("ticket", *(search.controls if level else ()))
    if more or variant not in trained:
        raise UnknownName(f"control at level {level} of {address}", "/".join((variant, *more)), trained)
    return search.run(level, replicate, variant)


def _numbers(parts: Sequence[str], names: Sequence[str], counts: Sequence[int], address: str) -> list[int]:
    """Whole numbers below `counts`, one for each of `names`."""
    fits = len(parts) == len(names) and all(
        part.isascii() and part.isdigit() and len(part) < 7 and int(part) < count
        for part, count in zip(parts, counts, strict=True))
    if not fits:
        bounds = ", ".join(f"{name} from 0 to {count - 1}" for name, count in zip(names, counts, strict=True))
        raise BadInput(f"The address {address!r} must be SEARCH/{'/'.join(names)} with {bounds}.")
    return [int(part) for part in parts]


def _is_search(name: str, root: Path) -> bool:
    """Whether a name is a preset's, or the beginning of a stored search's key."""
    stored = Store(root, create=False).list(TicketSearch.name) if name and name not in presets() else []
    return name in presets() or any(row.key.startswith(name) for row in stored)


def _stored(given: str, root: Path, kind: type[Spec]) -> Spec:
    """The question of this kind whose key begins so."""
    rows = {row.key: row for row in Store(root, create=False).list(kind.name)}
    key = only_one(given, rows, kind.title.lower() if kind is not TicketSearch else "search", f"ls --kind {kind.name}")
    return question_from_dict(dict(rows[key].spec))
