"""Numbers and progress as people read them."""

from __future__ import annotations

import io

import pytest

from lth_engine.cli.progress import Bar
from lth_engine.cli.words import columns, duration
from lth_engine.core.sizes import size
from lth_engine.core.workbench import Progress


@pytest.mark.parametrize(("seconds", "words"), [
    (0.04, "0.0 s"), (3.21, "3.2 s"), (59.7, "60 s"), (59.96, "1 min"), (60, "1 min"), (250.4, "4 min 10 s"),
    (3600, "1 h 0 min"), (7500, "2 h 5 min"), (None, "-")])
def test_durations(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1 KB"),
                                              (5.21e6, "5.2 MB"), (999_960, "1 MB"), (7e13, "70 TB")])
def test_sizes(count: float, words: str) -> None:
    assert size(count) == words


def test_columns_align() -> None:
    assert columns(["a", "n"], [["long", "1"], ["b", "20"]]) == "a      n\nlong   1\nb     20"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_time_left_is_work_left_over_pace() -> None:
    clock = Clock()
    bar = Bar(io.StringIO(), clock)
    for now, done in ((0, 0), (10, 1), (15, 2)):
        clock.now = now
        bar.show(Progress(done, 11, "training"))
    # one unit in 5 s since work began (the 10 s of preparation do not count), nine are left
    assert "45 s left" in bar.line(Progress(2, 11, "training"), clock.now)
    assert "15 s taken" in bar.line(Progress(11, 11, "done"), clock.now)


def test_lines_elsewhere_are_few_and_plain() -> None:
    clock, stream = Clock(), io.StringIO()
    bar = Bar(stream, clock)
    for tick in range(101):
        clock.now = tick / 10
        bar.show(Progress(tick, 100, "training"))
    bar.close()
    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["0%", "50%", "100%"]
    assert "\r" not in stream.getvalue()


def test_a_terminal_gets_one_line_that_is_redrawn() -> None:
    clock, stream = Clock(), Terminal()
    bar = Bar(stream, clock)
    for tick in range(11):
        clock.now = float(tick)
        bar.show(Progress(tick, 10, "training " + "x" * 500, 1234.5))
    bar.close()
    bar.close()
    drawn = stream.getvalue().split("\r\033[2K")
    assert len(drawn) == 12
    assert stream.getvalue().count("\n") == 1
    assert drawn[6].startswith("[##########..........]  50%")
    assert all(len(line.rstrip("\n")) < 80 for line in drawn)
