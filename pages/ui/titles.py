"""Questions about networks in words: which network, which images, how sparse, what is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from lth_engine.core.knob import knobs
from lth_engine.core.spec import Spec, is_spec
from lth_engine.specs.comparing_networks import NetworkComparison
from lth_engine.specs.connecting import Connectivity
from lth_engine.specs.controls import ControlTicket, SignTransfer
from lth_engine.specs.data import DataSpec
from lth_engine.specs.flatness import NoFlatness
from lth_engine.specs.imported import ImportedRun
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run, TicketSpec, Trained
from lth_engine.specs.training import Training
from pages.ui.find_titles import own_words
from pages.ui.share import flags
from pages.ui.words import percent, short_name

_VARIANTS = {"random_mask": "random mask", "redrawn": "weights re-drawn", "shuffled_mask": "mask shuffled",
             "sign_transfer": "signed mask"}
"""Controls in a word or two; the ticket goes without."""

_LONG = 1_000_000
"""Seeds of orders from which on (derived ones) the last four digits have to do."""


def title(question: Question) -> str:
    """A question as lists show it: network, images, which tickets, settings that are not the default, of one network
    also how it was trained, start of key."""
    run = getattr(question, "of", None)
    trained = f", {trained_words(run)}" if isinstance(run, Run) else ""
    return f"{subject(question)}{trained} · {question.key[:6]}"


def lettered(questions: Sequence[Question]) -> dict[str, str]:
    """"A: ...", "B: ...", by key: names that keep answers in one figure apart.

    Of several questions only what they do not all have in common is named.
    """
    words = [_words(q) for q in questions]
    shared = set(words[0]).intersection(*words[1:]) if len(words) > 1 else {_network_of(q) for q in questions}
    own = [[word for word in one if word not in shared] for one in words]
    return {q.key: f"{chr(ord('A') + index % 26)}: {', '.join(kept or whole)}"
            for index, (q, kept, whole) in enumerate(zip(questions, own, words, strict=True))}


def subject(question: Question) -> str:
    """What a question is about, without its key."""
    return ", ".join(_words(question))


def settings(question: Question) -> list[str]:
    """The knobs that are not the default, networks and trainings left out: ["points 41", "adaptive"]."""
    changed = [(k.name.replace("_", " "), getattr(question, k.name)) for k in knobs(type(question))
               if not is_spec(k.type) and k.name != "level" and getattr(question, k.name) != k.default]
    return [name if value is True else f"no {name}" if value is False else f"{name} {_shown(value)}"
            for name, value in changed]


def _shown(value: object) -> str:
    return ", ".join(map(str, value)).replace("_", " ") if isinstance(value, tuple) else str(value)


def _words(question: Question) -> list[str]:
    """Network and images, then what is asked about it, in parts that can be left out one by one."""
    words = [_network_of(question)]
    own = own_words(question)
    if own is not None:
        return [*words, *own]
    if isinstance(question, Connectivity | NetworkComparison):
        words.append(f"{run_words(question.first)} – {run_words(question.second)}")
    else:
        parts = ((getattr(question, k.name), k.default) for k in knobs(type(question)) if is_spec(k.type))
        words += [word for part, default in parts for word in _part(part, default)]
    return [*words, *_level(question), *settings(question)]


def _level(question: Question) -> list[str]:
    """The level that a question asks about a search, with its density: it is always said."""
    level, search = getattr(question, "level", None), getattr(question, "of", None)
    if level is None:
        return []
    if isinstance(search, TicketSearch):
        return [f"{percent(search.search.density(level))} (level {level})"]
    return [f"level {level}"]


def network_words(run: Run) -> str:
    """Network and images of a run: "LeNet-300-100, Digits"."""
    return dense_words(run.ticket.dense)


def dense_words(dense: DenseTicket) -> str:
    """Network and images: "LeNet-300-100, Digits"."""
    return f"{dense.model.label}, {dense.data.title}"


def run_words(run: Run) -> str:
    """Which network of its kind a run trains: "dense, seed 0", "51.2 % (level 3), random mask, seed 1"."""
    own = f"brought {run.weights[:6]}" if isinstance(run, ImportedRun) else _seeds(run)
    return ", ".join([*_ticket_words(run.ticket), own])


def training_words(dense: DenseTicket) -> list[str]:
    """How a dense network is trained, as far as siblings care: optimizer, rate, momentum, batch, length, seed."""
    training = dense.training
    values = training.optimizer.to_dict()
    parts = [training.optimizer.title or training.optimizer.name]
    parts += [f"{word} {values[name]:g}" for name, word in (("lr", "lr"), ("momentum", "momentum")) if name in values]
    return [*parts, f"batch {training.batch_size}", str(training.length), f"seed {dense.init_seed}"]


def trained_words(run: Run) -> str:
    """How a run was trained, in a few words: "lr 0.1, SAM"."""
    if not run.trains:
        return "trained elsewhere"
    rate = run.training.optimizer.to_dict().get("lr")
    flatness = run.training.flatness
    return ", ".join([*([f"lr {rate:g}"] if rate is not None else []),
                      *([] if isinstance(flatness, NoFlatness) else [flatness.title])])


def density_of(run: Run) -> float:
    """The density that a run's search gives its level; 1 for the dense network."""
    found = _found(run.ticket)
    return 1.0 if found is None else found.search.density(found.at_level)


def _ticket_words(ticket: TicketSpec) -> list[str]:
    found, rewind = _found(ticket), ticket.dense.rewind
    words = ["dense" if found is None else f"{percent(found.search.density(found.at_level))} (level {found.at_level})"]
    if isinstance(ticket, ControlTicket):
        words.append(_VARIANTS.get(ticket.name, ticket.name.replace("_", " ")))
    elif ticket.name == "sign_transfer":
        words.append(_carried(cast(SignTransfer, ticket)))
    if rewind.count:
        words.append(f"from {rewind}")
    return words


def _carried(ticket: SignTransfer) -> str:
    """What other weights have of a ticket: "signed mask", "mask and norms on other weights"."""
    if ticket.mask and ticket.signs and not ticket.norms:
        return _VARIANTS["sign_transfer"]
    held = [name for name in ("mask", "signs", "norms") if getattr(ticket, name)]
    return f"{' and '.join(held) or 'nothing but layer densities'} on other weights"


def _found(ticket: TicketSpec) -> FoundTicket | None:
    """The found ticket behind a ticket, a control or a network that is trained once more."""
    if isinstance(ticket, FoundTicket):
        return ticket
    if isinstance(ticket, Trained):
        return _found(ticket.of.ticket)
    of = getattr(ticket, "of", None)
    return _found(of) if isinstance(of, TicketSpec) else None


def _seeds(run: Run) -> str:
    first, order = run.ticket.dense.init_seed, run.order_seed
    if first == order:
        return f"seed {first}"
    return f"seed {first}, order {order}" if order < _LONG else f"seed {first}, order …{order % 10_000:04d}"


def _part(part: Spec, default: Spec) -> list[str]:
    """A part of a question in words; of a training what differs from the knob's default."""
    if isinstance(part, Training):
        return [f"{path.rpartition('.')[2].replace('_', ' ')} {text}" for path, text in flags(part, default, "of")]
    if isinstance(part, DataSpec):
        return [f"on {part.title or part.name}"]
    if isinstance(part, Run):
        return [run_words(part)]
    if isinstance(part, TicketSearch):
        return [short_name(part)] if part.search.brought else [part.search.name, f"{part.levels} levels",
                                                               f"seed {part.seed}"]
    return training_words(part) if isinstance(part, DenseTicket) else [part.title or part.name]


def _network_of(question: Question) -> str:
    """Network and images of the first part that has them."""
    for k in knobs(type(question)):
        part = getattr(question, k.name)
        if isinstance(part, Run):
            return network_words(part)
        if isinstance(part, TicketSearch):
            return dense_words(part.dense(0))
        if isinstance(part, DenseTicket):
            return dense_words(part)
    return question.title
