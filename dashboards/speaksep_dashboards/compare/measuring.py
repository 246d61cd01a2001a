"""Scores are computed once, beside the page, and kept: nobody waits for them twice."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from speaksep_kernel.atomic import write_atomically
from speaksep_kernel.errors import InputError, SpeakSepError

_ONE = threading.Lock()
"""Held while something is measured: pages must stay quick."""
_STATES: dict[str, str] = {}
"""What is under way or failed in this process, by file; "" while it is under way."""
_LOOKING = threading.Lock()


def digest(*told: Any) -> str:
    """A word for JSON-ready values, the same everywhere."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def kept_at(*told: Any) -> Path:
    """Where figures about something are kept: a file of the user's cache, named by what they are about."""
    folder = Path(os.environ.get("SPEAKSEP_DASHBOARDS") or user_cache_path("speaksep") / "dashboards")
    return folder / "scores" / f"{digest(*told)}.json"


def measured(place: Path, measure: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any] | None, str]:
    """The figures that are kept, or None; then a thread measures them now.

    Returns
    -------
    The figures, and why there are none: "" while they are being measured.
    """
    with suppress(OSError, ValueError):
        found: dict[str, Any] = json.loads(place.read_bytes())
        return found, ""
    with _LOOKING:
        if str(place) in _STATES:
            return None, _STATES[str(place)]
        _STATES[str(place)] = ""
    threading.Thread(target=_measure, args=(place, measure), daemon=True, name="scores").start()
    return None, ""


def asked(takes: Sequence[Path], truth: Sequence[Path]) -> dict[str, Any]:
    """`speaksep_dashboards.compare.scores.scores`, by a process of its own that ends with this one.

    Raises
    ------
    InputError
        What it could not read, in its words; reason ``internal`` if it died.
    """
    told = json.dumps({"takes": [str(place) for place in takes], "truth": [str(place) for place in truth]})
    command = [sys.executable, "-m", "speaksep_dashboards.compare"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(told + "\n")
        process.stdin.flush()  # and it stays open
        try:
            found: dict[str, Any] = json.loads(process.stdout.readline())
        except ValueError:
            found = {"ok": False, "error": "they could not be measured", "hint": "is there enough memory?"}
    if found.get("ok") is False:
        raise InputError(found["error"], reason=found.get("reason", "internal"), hint=found.get("hint", ""))
    return found


def standing(place: Path) -> str:
    """Changes when the figures come, or cannot; cheap."""
    return f"{place.exists()} {_STATES.get(str(place), '-')}"


def _measure(place: Path, measure: Callable[[], dict[str, Any]]) -> None:
    try:
        with _ONE:
            found = measure()
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, json.dumps(found).encode(), mode=0o600)
    except SpeakSepError as error:
        _STATES[str(place)] = str(error)
    except Exception as error:  # a thread's errors reach nobody else
        _STATES[str(place)] = f"a fault of ours: {type(error).__name__}"
    else:
        _STATES.pop(str(place), None)
