"""What the store, the queue or the disk refuses is shown in its own words: one sentence, never a traceback."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from lth_engine.core.errors import LotteryError
from pages.ui.words import literal

_log = logging.getLogger(__name__)


@contextmanager
def guard() -> Iterator[None]:
    """Show a refusal of the block as a message; what the block drew before stays."""
    try:
        yield
    except (LotteryError, OSError) as error:
        refused(error)
    except KeyError as error:
        if not _is_key(error):
            raise
        st.error(f"The store does not hold {error.args[0]} any more. Start the search again: what is stored is not "
                 "computed twice.", icon=":material/broken_image:")


def refused(error: LotteryError | OSError) -> None:
    """Draw a refusal as a sentence; what the system refused is logged as well."""
    if isinstance(error, OSError):
        _log.warning("The system refused: %s", error, exc_info=error)
    st.error(literal(sentence(error)), icon=":material/error:")


def sentence(error: LotteryError | OSError) -> str:
    """A refusal in words with the remedy."""
    if not isinstance(error, OSError):
        return str(error)
    where = error.filename or "A file of the lab"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where} cannot be written: the disk is full. Free some space, then load the page again."
    return (f"{where} cannot be used ({error.strerror or error}). Put it right, or name other folders with LTH_STORE "
            "and LTH_DATA.")


def _is_key(error: KeyError) -> bool:
    """Whether the missing thing is an artifact: the store raises KeyError with its 24 hex digits."""
    text = str(error.args[0]) if error.args else ""
    return len(text) == 24 and set(text) <= set("0123456789abcdef")
