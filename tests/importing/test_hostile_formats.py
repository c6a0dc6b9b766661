"""Every hostile file straight into read(), without the gate before it: refused or read as it must be, nothing run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lth_engine.core.errors import FileRefused, FileUnreadable, NotRead
from lth_engine.importing.read import KINDS, read
from tests.hostile import CASES, ENDLESS

ROOT = Path(__file__).parent.parent.parent
LARGEST = 6_000_000
"""Bytes of a hostile file."""


def status(path: Path, kind: str) -> tuple[str, str]:
    """How a file is answered."""
    try:
        read(path, kind)
    except FileRefused as error:
        return "refused", str(error)
    except FileUnreadable as error:
        return "unreadable", str(error)
    return "read", ""


def check_words(reason: str) -> None:
    """What no answer may hold."""
    assert "weights_only" not in reason
    assert "Traceback" not in reason
    assert "\n" not in reason


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if case.kind])
def test_answered_as_it_must_be(name: str, tmp_path: Path) -> None:
    case, marker = CASES[name], tmp_path / "marker"
    path = case.make(tmp_path, marker)
    assert path.stat().st_size < LARGEST
    before, start = sorted(tmp_path.iterdir()), time.perf_counter()
    found, reason = status(path, case.kind)
    assert time.perf_counter() - start < case.seconds
    assert found == case.status, reason
    assert all(part in reason for part in case.words), reason
    check_words(reason)
    assert not marker.exists()
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if not case.kind])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_of_no_kind_is_not_read_as_any(name: str, kind: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    path = CASES[name].make(tmp_path, marker)
    with pytest.raises(NotRead) as raised:
        read(path, kind)
    check_words(str(raised.value))
    assert not marker.exists()


ALL = """
import json, resource, sys, time
from pathlib import Path
from tests.hostile import CASES
from tests.importing.test_hostile_formats import status
folder, limit = Path(sys.argv[1]), int(sys.argv[2])
paths = {}
for number, (name, case) in enumerate(CASES.items()):
    if case.kind:
        (folder / str(number)).mkdir()
        paths[name] = case.make(folder / str(number), folder / "marker")
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + limit, held + limit))
found = {}
for name, path in paths.items():
    start = time.process_time()
    found[name] = (*status(path, CASES[name].kind), time.process_time() - start)
print(json.dumps(found))
"""


def test_within_the_limits_of_a_child(tmp_path: Path) -> None:
    """All of them one after the other in 500 MB more than the process has: no sentence is that of a full memory."""
    done = subprocess.run([sys.executable, "-c", ALL, str(tmp_path), "500000000"], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {name: answer[0] for name, answer in found.items()} == {
        name: case.status for name, case in CASES.items() if case.kind}
    assert max(answer[2] for answer in found.values()) < 5
    assert not (tmp_path / "marker").exists()


ONE = """
import resource, sys
from pathlib import Path
from tests.hostile import ENDLESS
from tests.importing.test_hostile_formats import status
folder = Path(sys.argv[1])
case = ENDLESS[sys.argv[2]]
path = case.make(folder, folder / "marker")
held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + 500_000_000,) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
print(status(path, case.kind)[0])
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_ended_by_limits(name: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", ONE, str(tmp_path), name], cwd=ROOT, capture_output=True, text=True,
                          check=False, timeout=200)
    assert done.stdout.strip() == "unreadable" or done.returncode < 0, done.stderr
