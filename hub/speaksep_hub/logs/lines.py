"""What a part wrote, as a line of the shape that all have: traefik, Prometheus, and whatever prints something."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from speaksep_kernel.logs.cleaned import cleaned

_OURS = b'{"time": "'
_EVENT = ("message", "msg")
_KEPT = ("error", "err", "providerName", "routerName", "entryPointName", "serviceName", "component", "receiver")
"""What else is told of a line of a program that is not ours."""
_PAIRS = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')
_LEVELS = {"warn": "warning", "fatal": "critical", "panic": "critical", "trace": "debug"}
_KNOWN = frozenset({"debug", "info", "warning", "error", "critical"})


def line_of(written: bytes, part: str) -> bytes:
    """A line for a log.

    Parameters
    ----------
    written
        A line that a process wrote, without its end.
    part
        Which part of the platform that is.

    Returns
    -------
    The same bytes, if they have the shape already.
    """
    if written.startswith(_OURS):
        return written
    text = written.decode(errors="replace").strip()
    told = _json(text) or _pairs(text)
    event = next((str(told[name]) for name in _EVENT if told.get(name)), text)
    level = str(told.get("level", "info")).lower()
    level = _LEVELS.get(level, level)
    line: dict[str, Any] = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level if level in _KNOWN else "info",
        "part": part,
        "event": cleaned(event, random=True),
    }
    line |= {name: cleaned(str(told[name]), random=True) for name in _KEPT if told.get(name)}
    return json.dumps(line, ensure_ascii=False).encode()


def words_of(line: str) -> str:
    """What a line of a log says, for a message that people see.

    >>> words_of('{"event": "ended by an error", "error": {"type": "OSError", "message": "no space"}}')
    'ended by an error: OSError: no space'
    """
    told = _json(line)
    error = told.get("error")
    why = f"{error.get('type')}: {error.get('message')}" if isinstance(error, dict) else error
    return ": ".join(str(each) for each in (told.get("event", line), why) if each)


def _json(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _pairs(text: str) -> dict[str, Any]:
    """``level=warn msg="…"``, as programs in Go write it."""
    told = {name: _unquoted(value) for name, value in _PAIRS.findall(text)}
    return told if "level" in told and "msg" in told else {}


def _unquoted(value: str) -> str:
    return value[1:-1].replace('\\"', '"') if value.startswith('"') else value
