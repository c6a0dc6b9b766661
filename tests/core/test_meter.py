"""Reports that are few however often a computation tells how far it is."""

import pytest

from lth_engine.core import meter
from lth_engine.core.errors import Cancelled
from lth_engine.core.meter import Meter


def test_it_passes_on_the_first_and_then_what_is_told_when_it_is_time(monkeypatch):
    clock, told = [100.0], []
    monkeypatch.setattr(meter.time, "perf_counter", lambda: clock[0])
    found = Meter(lambda *said: told.append(said))
    for eighth in range(9):
        clock[0] = 100 + eighth / 8
        found.tell(eighth, "x")
    assert told == [(0, "x"), (2, "x"), (4, "x"), (6, "x"), (8, "x")], "0.2 s apart at least"


def test_a_wish_to_stop_comes_through():
    def stop():
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        Meter(stop).tell()
