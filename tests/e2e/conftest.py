"""The app as people meet it: a server on a free port of 127.0.0.1, and a browser that complains."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from lth_engine.jobs.local import supervisor_pid
from lth_engine.jobs.queue import Queue
from lth_engine.store.store import Store
from tests.pages.fake_search import SEARCH, put_search

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


class Server:
    """One web server on one store; may be stopped and started again on the same port."""

    script = "app.py"

    def __init__(self, folder: Path) -> None:
        self.store, self.log = folder / "store", folder / "server.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {"LTH_STORE": str(self.store), "LTH_DATA": str(folder / "data"),
                                         "OMP_NUM_THREADS": "1"}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", self.script, "--server.port", str(self.port),
                 "--server.headless", "true"], cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.url + "/_stcore/health", timeout=2):
                    return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Stop the server, its supervisor and its workers; then its log must be clean."""
        self.kill()
        if (self.store / "queue.sqlite").exists():
            queue = Queue(self.store)
            for job in queue.live():
                queue.cancel(job.id)
            deadline = time.monotonic() + 20
            while queue.live() and time.monotonic() < deadline:
                time.sleep(0.2)
        pid = supervisor_pid(self.store)
        if pid:
            os.kill(pid, signal.SIGTERM)
        bad = [line for line in self.log.read_text().splitlines()
               if re.search(r"Traceback|Error\b|[Dd]eprecat|Warning", line)]
        assert not bad, "\n".join(bad)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server on an empty store."""
    served = Server(tmp_path_factory.mktemp("empty"))
    served.start()
    yield served
    served.end()


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A server on a store that holds one finished search of invented numbers."""
    served = Server(tmp_path_factory.mktemp("stored"))
    put_search(Store(served.store))
    put_search(Store(served.store), SEARCH.replace(seed=8), word="failing")
    served.start()
    yield served
    served.end()


@pytest.fixture(scope="session")
def chromium():
    """A headless browser for the session."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium).")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium):
    """Opens tabs that fail the test on a script error, on a request to elsewhere, and on an exception box."""
    tabs, trouble = [], []

    def opened(url, **options):
        page = chromium.new_page(**({"viewport": {"width": 1440, "height": 900}} | options))
        page.on("pageerror", lambda error: trouble.append(f"script error: {error}"))
        page.on("request", lambda request: trouble.append(f"outside request: {request.url}")
                if not re.match(r"(https?|ws)://127\.0\.0\.1[:/]|data:|blob:", request.url) else None)
        page.on("console", lambda message: trouble.append(f"console: {message.text}")
                if "Content Security Policy" in message.text else None)
        page.goto(url)
        page.wait_for_selector(SETTLED, timeout=30_000)
        tabs.append(page)
        return page
    yield opened
    for page in tabs:
        trouble += [f"exception: {box.inner_text()}" for box in page.get_by_test_id("stException").all()]
        page.close()
    assert not trouble, "\n".join(trouble)
