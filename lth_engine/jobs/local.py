"""The local executor: `python -m lth_engine.jobs.local STORE --data DIR` supervises one store.

Pages and commands call :func:`ensure_supervisor` and go on: the supervisor is no child of theirs in
any way that matters, and outlives them.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lth_engine.core.errors import BadInput, LotteryError, StoreError
from lth_engine.jobs.lock import exclusive, holder, make_folder, refused
from lth_engine.jobs.queue import Queue
from lth_engine.jobs.supervisor import Supervisor, environment, lock_path, slots

SUPERVISOR: tuple[str, ...] = (sys.executable, "-P", "-m", "lth_engine.jobs.local")
"""Command of a supervisor, before its arguments."""

START_SECONDS = 20.0


def ensure_supervisor(store_root: Path, data_root: Path, *, command: Sequence[str] = SUPERVISOR) -> int | None:
    """Start the store's supervisor in a session of its own, unless it lives.

    May be called from many threads and processes at once: one starts it, the others wait until it
    lives. Takes about 50 microseconds when it does.

    Args:
        store_root: folder of the store.
        data_root: folder of the data sets, for a supervisor that is started.
        command: command of a supervisor; STORE --data DIR are appended.

    Returns:
        its process id; None if the store cannot be written, so that there is nothing to supervise.

    Raises:
        StoreError: it does not start.
        BadInput: LTH_SLOTS is not a number, or the data folder is a file.
    """
    pid = supervisor_pid(store_root)
    if pid is not None:
        return pid
    slots()
    check_data_root(Path(data_root))
    root = Path(store_root).absolute()
    if not Queue(root).database.writable:
        return None
    with exclusive(root / "locks" / "starting"):
        pid = supervisor_pid(root)
        return _start(root, Path(data_root).absolute(), command) if pid is None else pid


def supervisor_pid(store_root: Path) -> int | None:
    """Process id of the store's supervisor, None if none lives."""
    return holder(lock_path(store_root))


def check_data_root(path: Path) -> None:
    """Refuse a data folder that is a file; one that is missing is made when data is downloaded.

    Raises:
        BadInput: it is a file.
    """
    if path.is_file():
        raise BadInput(f"The data folder {path} is a file. Name a folder with --data-root or LTH_DATA.")


def _start(root: Path, data_root: Path, command: Sequence[str]) -> int:
    log = root / "logs" / "supervisor.log"
    make_folder(log.parent)
    try:
        with log.open("ab") as output:
            child = subprocess.Popen([*command, str(root), "--data", str(data_root)], stdin=subprocess.DEVNULL,
                                     stdout=output, stderr=output, start_new_session=True, env=environment())
    except OSError as error:
        raise refused(Path(error.filename or log), error) from error
    threading.Thread(target=child.wait, name="reap supervisor", daemon=True).start()
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        pid = supervisor_pid(root)
        if pid is not None:
            return pid
        if child.poll() is not None:
            break
        time.sleep(0.01)
    raise StoreError(f"The process that runs jobs did not start. {log} says why.")


def main(arguments: list[str] | None = None) -> int:
    """Entry of `python -m lth_engine.jobs.local`."""
    declared = argparse.ArgumentParser(description="Run the jobs of a store until nothing is left to do.")
    declared.add_argument("store", type=Path, help="folder of the store")
    declared.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    declared.add_argument("--idle-minutes", type=float, default=10.0, help="end after so long without a job")
    given = declared.parse_args(arguments)
    signal.signal(signal.SIGTERM, _told_to_end)
    try:
        return Supervisor(given.store, given.data, idle_minutes=given.idle_minutes, long_jobs=slots()).run()
    except LotteryError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _told_to_end(number: int, frame: object) -> NoReturn:
    """SIGTERM leaves a line in the log. By os.write: the signal may have come in the midst of a print."""
    os.write(sys.stdout.fileno(), f"{time.strftime('%Y-%m-%d %H:%M:%S')} supervisor {os.getpid()}: ended by SIGTERM; "
             "its workers go on\n".encode())
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
