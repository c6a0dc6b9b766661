"""What is done behind the page: files read and questions asked by the gate, two at a time, the others in a line."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from lth_engine.gate.ask import Stopped

AT_ONCE = 2
"""Files that are read side by side; each may take 2 GiB and 20 s."""

SOON = 0.6
"""Seconds that a page waits before it says that it waits: what is read within them is drawn at once."""

STAGE = 40
"""Characters of a stage that are shown."""

Heard = Callable[[Mapping[str, Any]], None]


_pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="gate")
_numbers = itertools.count()
_line: dict[int, Task] = {}
_lock = threading.Lock()


@dataclass(eq=False)
class Task:
    """Something that is under way.

    Attributes:
        words: what is being done, "Reading".
        number: its place in the line of all that was begun on this server.
        future: what will come of it.
        since: when its turn came (monotonic seconds), or None while it waits.
        stage: what it is at, as the child says; "" until it says anything.
        said: all that it said on the way.
        stopped: whether it shall end the next time that it says something.
    """

    words: str
    number: int
    future: Future[Any] = field(default_factory=Future)
    since: float | None = None
    stage: str = ""
    said: list[Mapping[str, Any]] = field(default_factory=list)
    stopped: bool = False

    def heard(self, name: str) -> list[Any]:
        """The parts of an answer that have come so far."""
        return [message[name] for message in list(self.said) if name in message]

    @property
    def done(self) -> bool:
        """Whether it has come to an end."""
        return self.future.done()

    def before(self) -> int:
        """How many wait before it; 0 once it is its turn."""
        if self.since is not None:
            return 0
        with _lock:
            return sum(task.since is None and number < self.number for number, task in _line.items())

    def seconds(self) -> float:
        """How long it has been at work."""
        return 0.0 if self.since is None else time.monotonic() - self.since


def begin(words: str, work: Callable[[Heard], Any]) -> Task:
    """Do something when its turn comes; nothing of it touches a page.

    Args:
        words: what is done.
        work: does it; is called with a function that takes {"stage": what it is at} on the way, and that raises
            Stopped once the task is given up.
    """
    task = Task(words, next(_numbers))

    def heard(said: Mapping[str, Any]) -> None:
        if task.stopped:
            raise Stopped
        task.stage = str(said.get("stage", ""))[:STAGE] or task.stage
        if said:
            task.said.append(said)

    def run() -> Any:
        task.since = time.monotonic()
        try:
            return work(heard)
        finally:
            with _lock:
                _line.pop(task.number, None)

    with _lock:
        _line[task.number] = task
    task.future = _pool.submit(run)
    return task


def soon(tasks: Sequence[Task]) -> bool:
    """Whether any of them is done within a moment."""
    return bool(wait([task.future for task in tasks], timeout=SOON, return_when=FIRST_COMPLETED).done)


def give_up(task: Task) -> None:
    """Take a task out of the line; one that is at work ends within a second."""
    task.stopped = True
    if task.future.cancel():
        with _lock:
            _line.pop(task.number, None)
