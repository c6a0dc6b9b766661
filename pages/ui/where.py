"""On which page the answer to a question is looked at."""

from __future__ import annotations

from lth_engine.core.spec import Spec
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from pages.ui import frame
from pages.ui.titles import subject
from pages.ui.words import in_words

PAGES: dict[str, str] = {
    **dict.fromkeys(("connectivity", "level_path", "siblings", "network_comparison"), "diagnose/connectivity.py"),
    "first_stable_point": "diagnose/stability.py",
    **dict.fromkeys(("linear_probe", "probe_panel", "feature_transfer", "transfer_panel", "few_shot"),
                    "transfer/features.py"),
    **dict.fromkeys(("hessian_trace", "hessian_eigenpairs", "spectral_density", "pyhessian_opinion"),
                    "diagnose/curvature.py"),
    "data_health": "diagnose/upload.py",
    "landscape": "diagnose/landscape.py", "pac_bayes": "diagnose/bounds.py",
    "learned_mask": "find/near.py", "method_comparison": "find/methods.py", "objective_values": "find/methods.py",
    "sanity_checks": "diagnose/sanity.py",
    "sign_panel": "transfer/signs.py",
}
"""Kind of an analysis -> its page below pages/."""


def page_of(question: Spec) -> str | None:
    """The page below pages/ that shows the answer; None if no page does."""
    return "explore/ticket.py" if isinstance(question, TicketSearch) else PAGES.get(question.name)


def open_answer(question: Spec | None) -> None:
    """A link to the page that shows the answer; nothing for those that no page shows."""
    if isinstance(question, TicketSearch):
        frame.link("explore/ticket.py", "Open", "query_stats", search=question.key)
    elif question is not None and question.name in PAGES:
        frame.link(PAGES[question.name], "Open", "query_stats", ask=question.key)


def in_one_line(question: Question) -> str:
    """A question in words; an analysis with the networks that it is about."""
    return f"{question.title}: {subject(question)}" if question.name in PAGES else in_words(question)
