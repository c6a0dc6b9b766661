"""A question is a Spec whose answer is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Question(Spec, family="question", package="lth_engine.analysis"):
    """A Spec whose answer is stored."""

    quick: ClassVar[bool] = False
    """Whether the answer takes seconds, so that it need not queue behind long jobs."""
