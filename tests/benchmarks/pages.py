"""The web app: cold start, page switches, the cost of an open tab, memory.

One server, one headless browser, a store with two finished searches of invented numbers and a list of 100 jobs. The
running job is a stand-in that lives in this process: it holds the job's lock and reports as a worker does, so no
training disturbs the figures. CPU time is the server's alone (user and system, all threads).
"""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from lth_engine.core.workbench import Progress
from lth_engine.jobs.lock import RecordLock
from lth_engine.jobs.queue import Queue
from lth_engine.jobs.reporter import SECONDS
from lth_engine.specs.presets import question_for_preset
from lth_engine.store.store import Store
from tests.e2e.conftest import CHROMIUM, FLAGS, SETTLED, Server
from tests.pages.fake_search import SEARCH, put_search

TITLE = "h1"
STARTS = 3
ROUNDS = 4
"""Times around the four pages, after one round of warm-up."""
IDLE_SECONDS = 20.0
JOBS = 100
"""Finished jobs on the list: a lab that has been in use for some weeks."""
PATHS = {"Find": "/find", "Explore": "/explore", "Jobs": "/jobs", "Start": "/"}

_SWITCH = """([path, title]) => new Promise((resolve, reject) => {
    const app = document.querySelector('[data-testid=stApp]'), old = document.querySelector('h1').innerText
    const link = [...document.querySelectorAll('[data-testid=stSidebarNavLink]')]
        .find(a => new URL(a.href).pathname === path)
    const began = performance.now()
    let seen = 0
    const look = () => {
        const now = performance.now() - began, head = document.querySelector('h1')
        if (!seen && head && head.innerText !== old && head.checkVisibility()) seen = now
        if (seen && app.dataset.testScriptState === 'notRunning') resolve([seen, now])
        else if (now > 15000) reject(new Error('no new title within 15 s'))
        else setTimeout(look, 2)
    }
    link.click()
    look()
})"""
"""Clicks a link of the navigation; milliseconds until the new title is there, and until the script has run."""


def main(idle_seconds: float = IDLE_SECONDS, rounds: int = ROUNDS, starts: int = STARTS) -> None:
    """Print the four tables."""
    if CHROMIUM is None:
        print("Chromium is not installed (Debian: apt-get install chromium).")
        return
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        cold_starts(browser, Path(folder), starts)
        with served(Path(folder) / "stored", stored=True) as server:
            memory = [resident(server)]
            switches(browser, server, rounds)
            memory.append(resident(server))
            open_tabs(browser, server, idle_seconds)
            memory.append(resident(server))
        print("\nMemory of the server (RSS): " + ", ".join(
            f"{size:.0f} MB {when}" for size, when in zip(memory, ("at start", "after the switches", "at the end"),
                                                          strict=True)))
        browser.close()


def cold_starts(browser: Browser, folder: Path, count: int) -> None:
    """From starting the server on a fresh store, the browser being open with an empty cache, to the title; beside it
    the least that Streamlit can do, an app of one title."""
    bare = folder / "bare.py"
    bare.write_text('import streamlit as st\n\nst.title("Bare")\n')
    ours, least = [], []
    for number in range(count):
        least.append(cold_start(browser, folder / f"bare{number}", str(bare)))
        ours.append(cold_start(browser, folder / f"cold{number}", Server.script))
    headline("Cold start, seconds (goal: title within 2.5)")
    print(f"{'':20} {'ours':>6} {'bare app':>9}   each of ours")
    for name, values, others in zip(("server answers", "title visible", "page finished", "CPU of the server"),
                                    zip(*ours, strict=True), zip(*least, strict=True), strict=True):
        print(f"{name:20} {statistics.median(values):6.2f} {statistics.median(others):9.2f}   "
              f"{', '.join(f'{v:.2f}' for v in values)}")


def cold_start(browser: Browser, folder: Path, script: str) -> tuple[float, float, float, float]:
    """Seconds until the server answers, the title is visible and the page is finished; CPU seconds of the server."""
    began = time.perf_counter()
    with served(folder, stored=False, script=script) as server:
        ready = time.perf_counter() - began
        page = browser.new_page()
        page.goto(server.url, wait_until="commit")
        page.wait_for_selector(TITLE)
        title = time.perf_counter() - began
        page.wait_for_selector(SETTLED)
        finished = time.perf_counter() - began
        page.close()
        return ready, title, finished, cpu_seconds(server)


def switches(browser: Browser, server: Server, rounds: int) -> None:
    """Click through the navigation, again and again."""
    page = opened(browser, server, "/")
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in PATHS}
    for number in range(rounds + 1):
        for name, path in PATHS.items():
            before = cpu_seconds(server)
            seen, finished = page.evaluate(_SWITCH, [path, name])
            page.wait_for_timeout(300)  # what the new page still asks for counts as part of the switch
            if number:
                found[name].append((seen, finished, 1000 * (cpu_seconds(server) - before)))
    page.close()
    headline("Page switch, milliseconds (goal: server under 100)")
    print(f"{'to':10} {'count':>6} {'title median':>13} {'title p90':>10} {'finished median':>16} {'server CPU':>11}")
    found["all"] = [row for rows in found.values() for row in rows]
    for name, rows in found.items():
        title, finished, cpu = zip(*rows, strict=True)
        print(f"{name:10} {len(rows):6d} {statistics.median(title):13.0f} {percentile(title, 0.9):10.0f} "
              f"{statistics.median(finished):16.0f} {statistics.mean(cpu):11.0f}")


def open_tabs(browser: Browser, server: Server, seconds: float) -> None:
    """What one open tab costs, on top of a server that nobody looks at."""
    running = question_for_preset("first-ticket").replace(seed=4711)
    headline("Open tab, % of a core (goal: under 2)")
    print(f"{'':44} {'server CPU':>10}")
    show("no tab", server, seconds)
    for name, path in (("Start, nothing running", "/"), ("Jobs, nothing running", "/jobs")):
        with_tab(name, browser, server, path, seconds)
    with fake_job(server, running):
        for name, path in (("Start, watching a running search", f"/?search={running.key}"),
                           ("Jobs, one job running", "/jobs"), ("Start, a job running elsewhere", "/")):
            with_tab(name, browser, server, path, seconds)


def with_tab(name: str, browser: Browser, server: Server, path: str, seconds: float) -> None:
    page = opened(browser, server, path)
    page.wait_for_timeout(3000)
    show(name, server, seconds, page)
    page.close()


def show(name: str, server: Server, seconds: float, page: Page | None = None) -> None:
    """One line: the share of a core that the server uses while nothing is done."""
    began, before = time.perf_counter(), cpu_seconds(server)
    if page is None:
        time.sleep(seconds)
    else:
        page.wait_for_timeout(1000 * seconds)
    share = (cpu_seconds(server) - before) / (time.perf_counter() - began)
    print(f"{name:44} {100 * share:9.1f}%")


@contextmanager
def served(folder: Path, *, stored: bool, script: str = Server.script) -> Iterator[Server]:
    """A server on a store of its own, with two finished searches and JOBS finished jobs if `stored`."""
    folder.mkdir()
    server = Server(folder)
    server.script = script
    if stored:
        put_search(Store(server.store))
        put_search(Store(server.store), SEARCH.replace(seed=SEARCH.seed + 1), word="failing")
        queue = Queue(server.store)
        for number in reversed(range(JOBS)):  # the newest are those that are stored, so that Explore draws them
            job = queue.claim(queue.submit(SEARCH.replace(seed=SEARCH.seed + number)).id)
            assert job is not None
            queue.finish(job.id, job.attempt, "done")
    server.start()
    try:
        yield server
    finally:
        server.end()


@contextmanager
def fake_job(server: Server, question: Any) -> Iterator[None]:
    """A running job whose worker is a thread here: it holds the lock, and its progress moves as a worker's does."""
    queue = Queue(server.store)
    job = queue.claim(queue.submit(question).id)
    assert job is not None
    lock, over = RecordLock(queue.lock_path(job.id)), threading.Event()
    lock.path.parent.mkdir(exist_ok=True)
    assert lock.acquire()
    queue.begin(job.id, job.attempt, os.getpid())

    def report() -> None:
        done = 0.0
        while not over.wait(SECONDS):
            done += 0.01
            queue.report(job.id, job.attempt, Progress(done, 93, "level 1, replicate 1, ticket", 1e5,
                                                       {"validation_accuracy": 0.9}), 60.0)
    worker = threading.Thread(target=report)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()
        queue.finish(job.id, job.attempt, "done")
        lock.release()


def opened(browser: Browser, server: Server, path: str) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(server.url + path)
    page.wait_for_selector(SETTLED)
    page.wait_for_selector(TITLE)
    return page


def cpu_seconds(server: Server) -> float:
    """User and system time of the server so far, in steps of 10 ms."""
    assert server.process is not None
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(server: Server) -> float:
    """Resident memory of the server in MB."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6


def percentile(values: tuple[float, ...], share: float) -> float:
    """The smallest value that is not below `share` of all."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def headline(text: str) -> None:
    """A title with the load of the machine, so that a reader knows whether it was quiet."""
    one, five, _ = os.getloadavg()
    print(f"\n{text}; load average {one:.1f} (1 min), {five:.1f} (5 min), {os.cpu_count()} cores", flush=True)


if __name__ == "__main__":
    main()
