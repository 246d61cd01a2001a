"""Reads the logs of a platform on one machine as one: by time, and only what is asked for."""

from __future__ import annotations

import heapq
import json
from collections import deque
from collections.abc import Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

LEVELS = ("debug", "info", "warning", "error", "critical")


def lines(folder: Path, wanted: Mapping[str, str], *, level: str = "debug", most: int | None = None) -> list[Any]:
    """Lines of all parts in the order of their times.

    Parameters
    ----------
    folder
        Of the logs.
    wanted
        Fields, such as ``request_id``, and what they must be.
    level
        Nothing below it.
    most
        The last so many; all if ``None``.
    """
    high = frozenset(LEVELS[LEVELS.index(level) :])
    found = (_of(file, wanted, high) for file in sorted(folder.glob("*.log")))
    return list(deque(heapq.merge(*found, key=itemgetter("time")), maxlen=most))


def _of(file: Path, wanted: Mapping[str, str], high: frozenset[str]) -> Iterator[dict[str, Any]]:
    # Parts, their servers and their kernels write into one file: its lines are nearly in the order of their times.
    with file.open(encoding="utf-8", errors="replace") as written:
        told = [_line(line) for line in written if all(value in line for value in wanted.values())]
    kept = (each for each in told if each.get("level") in high and all(each.get(k) == v for k, v in wanted.items()))
    return iter(sorted(kept, key=itemgetter("time")))


def _line(written: str) -> dict[str, Any]:
    try:
        told = json.loads(written)
    except ValueError:  # of an earlier version, or cut by a machine that went off
        told = None
    return (
        told if isinstance(told, dict) and "time" in told else {"time": "", "level": "info", "event": written.strip()}
    )
