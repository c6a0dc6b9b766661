"""The verbs that compute in this process: answer and price."""

from __future__ import annotations

import argparse
import platform
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lth_engine.cli.progress import Bar
from lth_engine.cli.result import as_json, as_text
from lth_engine.cli.words import duration, pairs
from lth_engine.core.artifact import Artifact
from lth_engine.core.errors import BadInput, Cancelled
from lth_engine.core.sizes import size
from lth_engine.core.workbench import Progress
from lth_engine.jobs.local import check_data_root
from lth_engine.specs.question import Question
from lth_engine.specs.questions import Price, TicketSearch
from lth_engine.store.store import Store

STOPPED = "Stopped. What is finished is kept: the same command goes on from there."


def answer(given: argparse.Namespace, question: Question) -> int:
    """Compute an answer (or find it in the store) and show it."""
    artifact = compute(question, given.store, given.data_root, given.device)
    print(as_json(artifact) if given.json else f"{as_text(artifact)}\n\nkey {artifact.key}")
    return 0


def price(given: argparse.Namespace, question: Question) -> int:
    """Time a few steps and say what a ticket search will cost on this machine."""
    if not isinstance(question, TicketSearch):
        raise BadInput(f"A price is known for a ticket_search only. Got a {question.name}.")
    asked = Price(of=question, machine=f"{platform.node()} {given.device}")
    artifact = compute(asked, given.store, given.data_root, given.device)
    print(as_json(artifact) if given.json else price_text(artifact))
    return 0


def price_text(artifact: Artifact) -> str:
    """A price in words."""
    cost = {name: float(value) for name, value in artifact.summary.items() if isinstance(value, int | float)}
    masks = [("of that, masks", f"{cost['mask_epochs']:,.3g} epochs, {duration(cost['mask_seconds'])}")] \
        if cost.get("mask_epochs") else []
    beside = "; a GPU trains small networks side by side, in less" if cost.get("accelerator_peak_bytes") else ""
    return pairs([
        ("runs", f"{cost['runs']:,.0f}"), ("trainings", f"{cost['trainings']:,.0f}"),
        ("epochs", f"{cost['epochs']:,.0f}"),
        ("steps in an epoch", f"{cost['steps_per_epoch']:,.0f}"),
        ("time", f"{duration(cost['seconds'])} ({cost['step_milliseconds']:.3g} ms a step, measured now{beside})"),
        *masks,
        ("FLOPs, dense", f"{cost['flops_dense']:.3g}"), ("FLOPs, if zeros were free", f"{cost['flops_sparse']:.3g}"),
        ("memory", size(cost["peak_bytes"])), ("store", size(cost["store_bytes"])),
        ("prunable weights", f"{cost['prunable']:,.0f} of {cost['parameters']:,.0f} parameters")])


def compute(question: Question, store: Path, data_root: Path, device: str) -> Artifact:
    """The answer, with progress on stderr. Raises Cancelled when the user interrupts."""
    check_data_root(data_root)
    opened = Store(store)
    if opened.has([question.key]):
        return opened.get(question.key)
    from lth_engine.answer import answer as solve  # loads torch, hence only here

    with watched(STOPPED) as report:
        found: Artifact = solve(question, opened, data_root=data_root, device=device, report=report)
        return found


@contextmanager
def watched(stopped_text: str = "Stopped.") -> Iterator[Callable[[Progress], None]]:
    """A report that shows progress on stderr, and raises Cancelled once the user has interrupted."""
    bar = Bar(sys.stderr)
    with interruptible() as stopped:
        def report(progress: Progress) -> None:
            if stopped():
                raise Cancelled(stopped_text)
            bar.show(progress)
        try:
            yield report
        finally:
            bar.close()


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C (or SIGTERM) asks to stop at the next report, where a checkpoint is saved; again: at once."""
    asked: list[int] = []

    def ask(number: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        sys.stderr.write("\nStopping at the next step (Ctrl-C again: at once).\n")
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
