"""The verbs about passports of tickets: one writes it, the other makes its ticket and holds it against the hash."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lth_engine.cli.card_text import plain
from lth_engine.cli.compute import compute
from lth_engine.cli.export import require_store, write_new
from lth_engine.cli.foreign import clean_copies, networks
from lth_engine.cli.pointing import run_at
from lth_engine.cli.words import pairs
from lth_engine.core.errors import BadInput
from lth_engine.core.mask import Mask
from lth_engine.core.sizes import size
from lth_engine.core.spec import from_dict
from lth_engine.specs.question import Question
from lth_engine.specs.questions import question_from_dict
from lth_engine.specs.tickets import DenseTicket, Run
from lth_engine.store.store import Store

if TYPE_CHECKING:
    from lth_engine.importing.passport import Passport


def passport(given: argparse.Namespace) -> int:
    """Write the passport of a ticket of the store, or of a checkpoint."""
    made = of_file(Path(given.of), given.rename) if Path(given.of).is_file() else of_run(given)
    from lth_engine.importing.passport import to_bytes

    write_new(given.out, to_bytes(made))
    print(json.dumps(dict(made.recipe) | {"out": str(given.out)}, allow_nan=False) if given.json else
          f"{_words(made)}\n\n{given.out} ({size(given.out.stat().st_size)})")
    return 0


def of_run(given: argparse.Namespace) -> Passport:
    """The passport of the ticket that a run of the store starts from.

    Raises:
        BadInput: the ticket is not in the store, or its weights must be carried and were not asked for.
    """
    require_store(given.store, given.of)
    store = Store(given.store, create=False)
    run = run_at(given.of, given.store)
    question, group = run.ticket.origin()
    if not store.has([run.ticket.key]) or not store.has([question.key]):
        raise BadInput(f"The ticket {given.of} is not in the store {given.store}. Answer its search first.")
    from lth_engine.importing.passport import made, weights_sha256
    from lth_engine.importing.recipe import recipe, require_recreatable

    ticket = store.get(run.ticket.key)
    end = weights_sha256(store.read(run.key, "final")) if store.has([run.key]) else None
    facts = recipe(run, ticket, store.read(question.key, group), end, given.data_root)
    require_recreatable(facts["how"], given.with_weights)
    return made(ticket.group("start"), Mask(ticket.group("mask")), facts, with_weights=given.with_weights)


def of_file(path: Path, rename: bool) -> Passport:
    """The passport of a checkpoint: it carries the kept weights, which nothing else gives."""
    with clean_copies(path, rename=rename) as files:
        from lth_engine.importing.passport import made

        network, = networks(files)
        known = network.architecture
        recipe = {"how": "weights", "ticket": None, "run": None, "end_sha256": None, "software": {},
                  "source_sha256": files[0].card["sha256"], "network": {
                      "model": known.spec.to_dict(), "channels": known.channels, "height": known.height,
                      "width": known.width, "classes": known.classes}}
        return made(network.weights(), network.mask, recipe, with_weights=True)


def recreate(given: argparse.Namespace) -> int:
    """Make the ticket of a passport, hold it against the hash, and write it if asked to."""
    with clean_copies(given.file) as files:
        from lth_engine.importing.clean import read_clean
        from lth_engine.importing.exports import exported
        from lth_engine.importing.passport import from_contents
        from lth_engine.importing.recreate import require_network, under_mask

        found = from_contents(read_clean(files[0].copy)[0])
    require_network(found)
    start = under_mask(_weights(found, given), found)
    if given.out is not None:
        facts = {"start_sha256": found.recipe["start_sha256"], "density": f"{found.mask.density:.6g}"}
        write_new(given.out, exported(given.form, start, found.mask, facts))
    said = {"verified": True, "out": None if given.out is None else str(given.out)}
    print(json.dumps(dict(found.recipe) | said, allow_nan=False) if given.json else
          f"{_words(found)}\n\nVerified: the weights recreated here have the hash of the passport."
          + ("" if given.out is None else f"\n{given.out} ({size(given.out.stat().st_size)})"))
    return 0


def _weights(found: Passport, given: argparse.Namespace) -> dict[str, Any]:
    """All tensors of the start: carried, drawn, or, if that was asked for, trained anew."""
    if found.start is not None:
        return dict(found.start)
    if found.recipe["how"] == "seed":
        from lth_engine.importing.recreate import drawn

        weights: dict[str, Any] = drawn(found.recipe)
        return weights
    if found.recipe["how"] == "weights" or not found.recipe.get("origin"):
        raise BadInput("This passport carries no weights, and nothing in it says where to get them. Ask for one that "
                       "was made --with-weights.")
    question, group = trained_origin(found.recipe)
    known = given.store.is_dir() and Store(given.store, create=False).has([question.key])
    if not known and not given.train:
        raise BadInput(f"The weights of this ticket must be trained here: {_training(question)}. Look at that, and "
                       "add --train if you want it, or ask for a passport that was made --with-weights.")
    if not known:
        print(f"Training the weights: {_training(question)}.", file=sys.stderr)
    return compute(question, given.store, given.data_root, given.device).group(group)


def trained_origin(recipe: Mapping[str, Any]) -> tuple[DenseTicket | Run, str]:
    """The training that a foreign recipe asks for, and the group of its answer: nothing but one that the lab itself
    writes, of the network that the passport names.

    Raises:
        BadInput: it is another question, of another network, or names files of a machine.
    """
    from lth_engine.importing.recipe import bound_to_a_machine

    asked = recipe["origin"]["question"]
    if bound_to_a_machine(asked):
        raise BadInput("This passport wants a training on images or files of the machine that made it, which a "
                       "passport from elsewhere cannot have: ask for one that was made --with-weights.")
    question, group = question_from_dict(asked), recipe["origin"]["group"]
    if type(question) not in (DenseTicket, Run) or group != ("final" if isinstance(question, Run) else "start"):
        raise BadInput(f"The weights of a ticket come from a rewind point or the end of a run, but this passport "
                       f"wants a {plain(question.name)}: ask for one that was made --with-weights.")
    dense = question.ticket.dense if isinstance(question, Run) else cast(DenseTicket, question)
    if dense.model != from_dict("model", recipe["network"]["model"]):
        raise BadInput("This passport wants another network trained than the one that it names: ask for it anew.")
    return cast("DenseTicket | Run", question), group


def _training(question: DenseTicket | Run) -> str:
    """What is trained and how long, with everything that it is made of."""
    dense = question.ticket.dense if isinstance(question, Run) else question
    every: dict[str, Question] = {}
    ahead: list[Question] = [question]
    while ahead:
        one = ahead.pop()
        if one.key not in every:
            every[one.key] = one
            ahead += [inner for inner in one.inputs() if isinstance(inner, Question)]
    epochs = sum(one.epochs for one in every.values())
    point = "to the end of a run" if isinstance(question, Run) else f"to the rewind point {dense.rewind}"
    return f"{plain(dense.model.label)} on {plain(dense.data.name)} {point}, about {epochs:.3g} epochs in all"


def _words(found: Passport) -> str:
    recipe = found.recipe
    network, ticket = recipe["network"], recipe["ticket"]
    how = {"seed": f"drawn from the seed {recipe.get('init_seed')}", "training": "trained to the rewind point",
           "weights": "carried by the passport"}[recipe["how"]]
    facts = [
        ("network", f"{network['model']['name']}, {network['channels']} x {network['height']} x {network['width']}, "
         f"{network['classes']} classes"),
        ("ticket", ticket["name"] if ticket else f"of a file, SHA-256 {(recipe.get('source_sha256') or '')[:16]}"),
        ("kept", f"{recipe['kept']:,} of {recipe['prunable']:,} ({100 * recipe['density']:.4g}%)"),
        ("weights", how + (", and carried" if found.start is not None and recipe["how"] != "weights" else "")),
        ("start", f"SHA-256 {recipe['start_sha256']}"), ("end", f"SHA-256 {recipe['end_sha256'] or 'not trained'}"),
        ("software", ", ".join(f"{name} {version}" for name, version in recipe["software"].items()) or "-")]
    return pairs([(name, plain(value)) for name, value in facts])
