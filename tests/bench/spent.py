"""What a run of a program took."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

LOOK_S = 0.1


class Spent(NamedTuple):
    """Wall-clock seconds, seconds of all cores together, and peak resident bytes."""

    seconds: float
    cpu_s: float
    peak_bytes: int


def spent(words: Sequence[str], environment: Mapping[str, str] | None = None) -> Spent:
    """Run a program to its end, its standard output thrown away.

    Raises
    ------
    SystemExit
        If it fails.
    """
    began = time.perf_counter()
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(words[0], words, environment or os.environ, file_actions=silent)
    peak_bytes, ended = 0, 0
    while not ended:
        # Not ru_maxrss: Linux counts in it what this process held when it started the other (a recording of an hour).
        with suppress(FileNotFoundError, ProcessLookupError):
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
            peak_bytes = int(found[1]) * 1024 if found else peak_bytes
        time.sleep(LOOK_S)
        ended, status, usage = os.wait4(process, os.WNOHANG)
    if status:
        raise SystemExit(f"{' '.join(words)} failed")
    return Spent(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, peak_bytes)
