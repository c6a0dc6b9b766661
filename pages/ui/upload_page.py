"""The page Bring a file: ask for one, wait for it, draw its card, and compare it with a second."""

from __future__ import annotations

from lth_engine.specs.health import DataHealth
from pages.ui import (
    diagnosing,
    upload_answer,
    upload_ask,
    upload_compare,
    upload_directory,
    upload_facts,
    upload_findings,
    upload_headline,
    upload_health,
    upload_held,
    upload_layers,
    upload_links,
    upload_nearest,
    upload_passport,
    upload_save,
    upload_spectra,
    upload_speed,
    upload_states,
    upload_use,
)
from pages.ui import upload_gate as gate
from pages.ui.upload_card import part, status
from pages.ui.upload_held import Brought

READ = "Read a file"
"""Title of the first tab."""


def show() -> None:
    """All of the page."""
    gate.warm()
    tabs = diagnosing.tabs({READ: (), upload_links.IMAGES: (DataHealth.name,)})
    for tab, draw in zip(tabs, (_read, upload_health.show), strict=True):
        if tab.open:
            with tab:
                draw()


def _read() -> None:
    """The tab about a file."""
    waited = upload_held.under_way()  # before anything is drawn: what ends meanwhile must be seen, too
    upload_held.settle()
    first = upload_held.brought("first")
    upload_ask.ask("first", expanded=first is None)
    if first is None:
        upload_links.show()
        upload_states.nothing()
        return
    _file("first", first)
    if first.card is not None and status(first.card) == "read" and not upload_passport.is_passport(first.card):
        upload_compare.show(first)
    upload_answer.watch(waited)


def _file(slot: str, brought: Brought) -> None:
    """A file in its state."""
    if brought.card is None:
        upload_states.reading(slot, brought)
    elif status(brought.card) != "read":
        upload_states.not_read(brought.card)
    else:
        if part(brought.card, "directory"):
            upload_directory.show(brought.card)
        _card(brought)


def _card(brought: Brought) -> None:
    """What is known of a file that was read."""
    card = brought.card
    assert card is not None
    upload_headline.show(card)
    upload_facts.show(card)
    upload_findings.show(card)
    upload_nearest.show(brought)
    upload_layers.show(card)
    passport = upload_passport.is_passport(card)
    if passport:
        upload_passport.show(brought)
    else:
        upload_spectra.show(brought)
        upload_speed.show(brought)
        upload_use.show(brought)
    upload_links.show()
    upload_save.show(brought, passport=bool(part(card, "architecture")) and not passport)
    upload_facts.details(card)
