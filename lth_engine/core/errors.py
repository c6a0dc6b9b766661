"""Every error that a user can meet, as one sentence: what was expected, what came, what to do.

LotteryError
  BadInput          the question cannot be asked like this (exit code 2)
    UnknownName     a name that no catalogue holds
  MissingData       a data set is neither on the disk nor within reach
  StoreError        the store cannot be read or written
    DamagedArtifact a stored file is not what was written
    NewerStore      the store was written by a later version
    ReadOnlyStore   the store may be looked at, not written to
  NotRead           a file that somebody brought was not read (exit code 2)
    FileRefused     it asks for something that is never done, or is no set of weights
    FileUnreadable  it is damaged, empty, cut short, or of no known kind
  NonFinite         a loss or a weight became NaN or infinite
  Cancelled         the user asked to stop; what was done is kept
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN = 40
"""Names that an error lists."""

ECHO = 200
"""Characters of a value that an error repeats."""


def clipped(value: object) -> str:
    """A value as an error repeats it: whole if it is short."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deeply, or a number of thousands of digits
        text = f"a {type(value).__name__} too large to show"
    return text if len(text) <= ECHO else f"{text[:ECHO]}..."


class LotteryError(Exception):
    """An error whose text is meant for the user: one sentence with the remedy."""


class BadInput(LotteryError):
    """The question cannot be asked like this."""


class UnknownName(BadInput):
    """A name that the catalogue does not hold; the text lists the nearest ones."""

    def __init__(self, what: str, given: object, known: Iterable[str]) -> None:
        names = sorted(known)
        word = str(given)[:ECHO]
        near = difflib.get_close_matches(word, names, n=1) or [n for n in names if n.startswith(word)]
        hint = f" Did you mean {near[0]}?" if near else ""
        more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        super().__init__(f"Unknown {what}: {clipped(given)}.{hint} Known: {', '.join(names[:SHOWN])}{more}.")


class MissingData(LotteryError):
    """A data set is neither on the disk nor within reach."""


class StoreError(LotteryError):
    """The store cannot be read or written."""


class DamagedArtifact(StoreError):
    """A stored file is not what was written."""


class NewerStore(StoreError):
    """The store was written by a later version of the lab."""


class ReadOnlyStore(StoreError):
    """The store may be looked at, not written to."""


class NotRead(LotteryError):
    """A file that somebody brought was not read."""


class FileRefused(NotRead):
    """The file asks for something that is never done (running code, filling the memory), or is no set of weights."""


class FileUnreadable(NotRead):
    """The file is damaged, empty, cut short, or of no known kind."""


class NonFinite(LotteryError):
    """A loss or a weight became NaN or infinite."""


class Cancelled(LotteryError):
    """The user asked to stop; what was done so far is kept."""
