"""What a process that reads a foreign file may use, and the environment that it sees."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

from lth_engine.core.errors import LotteryError
from lth_engine.core.sizes import size

KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""Variables that a child sees. No other one: no secrets, no TORCH_FORCE_*, HDF5_PLUGIN_* or PYTHON*."""

SET = {
    "HDF5_PLUGIN_PRELOAD": "::",  # HDF5's documented switch that turns plugins off
    "HDF5_USE_FILE_LOCKING": "FALSE",
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}

FILES = 64
"""Open files of a child."""


@dataclass(frozen=True)
class Limits:
    """What one child may use.

    Attributes:
        seconds: of processor time, and by the clock.
        memory: bytes of address space beyond what the libraries take.
        copy: bytes of the clean copy that the parent takes from it.
    """

    seconds: int = 20
    memory: int = 2_000_000_000
    copy: int = 400_000_000

    def as_json(self) -> dict[str, int]:
        """For the request."""
        return asdict(self)

    def memory_reached(self) -> str:
        """The sentence when memory ran out."""
        return f"Reading stopped at the memory limit ({size(self.memory)})."

    def time_reached(self) -> str:
        """The sentence when time ran out."""
        return f"Reading stopped at the time limit ({self.seconds} s)."


def clean_environment(around: Mapping[str, str]) -> dict[str, str]:
    """The environment of the child server: a short list of variables out of ours."""
    return {name: around[name] for name in KEPT if name in around} | SET


def address_space() -> int | None:
    """Bytes of address space of this process, or None where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def apply(limits: Limits) -> None:
    """Bind this process, for good.

    macOS knows no limit of address space: there the server looks at the memory of its children and kills them.

    Raises:
        LotteryError: on Linux the system does not tell the memory of this process, so that it cannot be limited.
    """
    taken = address_space()
    if taken is None and sys.platform == "linux":
        raise LotteryError("Foreign files are read with a limit of memory only, and this machine hides /proc, which "
                           "tells it: mount /proc and start the lab again.")
    if taken is not None:
        _lower(resource.RLIMIT_AS, taken + limits.memory)
    _lower(resource.RLIMIT_CPU, limits.seconds, limits.seconds + 1)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, FILES)
    if os.geteuid():
        _lower(resource.RLIMIT_NPROC, 0)  # neither processes nor threads; it does not bind root


def _lower(what: int, soft: int, hard: int | None = None) -> None:
    _, most = resource.getrlimit(what)
    wanted = [value if most == resource.RLIM_INFINITY else min(value, most) for value in (soft, hard or soft)]
    with contextlib.suppress(ValueError):  # a system that does not know this limit refuses to set it
        resource.setrlimit(what, (wanted[0], wanted[1]))
