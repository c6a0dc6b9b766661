"""Questions about searches, methods and tickets in the few words that lists show."""

from __future__ import annotations

from lth_engine.core.knob import knobs
from lth_engine.core.spec import Spec, is_spec
from lth_engine.specs.comparing_methods import MethodComparison, ObjectiveValues, OfMethods
from lth_engine.specs.finding import SearchSpec
from lth_engine.specs.imported import Imported
from lth_engine.specs.methods import METHODS
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.sanity import SanityChecks
from lth_engine.specs.tickets import LearnedMask
from pages.ui.words import counted, percent

_FEW = 3
"""Methods that a title names; of more, their number."""


def own_words(question: Question) -> list[str] | None:
    """What is asked besides network and images; None for the kinds of other pages."""
    if isinstance(question, LearnedMask):
        each = [at_density(question.search, question.at_level)] if question.learner.each_level else ["every level"]
        return [*search_words(question.search), *each,
                f"seed {question.seed}", *_rewind(question.search)]
    if isinstance(question, MethodComparison):
        return [_methods(question), at_density(question.of.search, question.level), *_replicates(question.of)]
    if isinstance(question, ObjectiveValues):
        return [_methods(question), f"levels {question.first_level} to {question.last_level}",
                *_replicates(question.of)]
    if isinstance(question, SanityChecks):
        return [*search_words(question.of.search), at_density(question.of.search, question.level),
                *_replicates(question.of)]
    return None


def search_words(search: SearchSpec) -> list[str]:
    """A search by its name, the part that it is chosen by, and the settings that are not its defaults."""
    if isinstance(search, Imported):
        return [search.label or _name(search)]
    default = type(search)()
    words = [_name(search)]
    for k in sorted(knobs(type(search)), key=lambda k: not is_spec(k.type)):
        value = getattr(search, k.name)
        if k.name in ("fraction", "rewind"):
            continue
        if is_spec(k.type):
            told = k.name == "objective" or value != getattr(default, k.name)
            words += [value.title or value.name] if told else []
        elif value != getattr(default, k.name):
            words.append(f"{k.name.replace('_', ' ')} {value}")
    return words


def at_density(search: SearchSpec, level: int) -> str:
    """"10.7 % (level 10)"."""
    return f"{percent(search.density(level))} (level {level})"


def method_title(name: str) -> str:
    """A method as legends have it; "dense" is the dense network."""
    return METHODS[name].title if name in METHODS else "dense network" if name == "dense" else name


def _name(search: Spec) -> str:
    """The abbreviation of a search's title, or the title."""
    title = search.title or search.name
    return title.rpartition("(")[2].rstrip(")") if title.endswith(")") else title


def _methods(question: OfMethods) -> str:
    names = [method_title(name) for name in question.methods]
    return ", ".join(names) if len(names) <= _FEW else f"{', '.join(names[:2])} and {len(names) - 2} more"


def _replicates(search: TicketSearch) -> list[str]:
    return [counted(search.replicates, "replicate"), f"seed {search.seed}"]


def _rewind(search: SearchSpec) -> list[str]:
    return [f"from {search.rewind}"] if search.rewind.count else []
