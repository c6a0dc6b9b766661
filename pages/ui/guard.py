"""What the store or the queue refuses is shown in its own words: one sentence, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from lth_engine.core.errors import LotteryError


@contextmanager
def guard() -> Iterator[None]:
    """Show a LotteryError of the block as a message; what the block drew before stays."""
    try:
        yield
    except LotteryError as error:
        st.error(str(error), icon=":material/error:")
    except KeyError as error:
        if not _is_key(error):
            raise
        st.error(f"The store does not hold {error.args[0]} any more. Start the search again: what is stored is not "
                 "computed twice.", icon=":material/broken_image:")


def _is_key(error: KeyError) -> bool:
    """Whether the missing thing is an artifact: the store raises KeyError with its 24 hex digits."""
    text = str(error.args[0]) if error.args else ""
    return len(text) == 24 and set(text) <= set("0123456789abcdef")
