"""The shape of a line: JSON for machines, one line of words for people on a terminal."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog

from speaksep_kernel.logs.carried import carried
from speaksep_kernel.logs.cleaned import cleaned
from speaksep_kernel.logs.faults import fault

FIRST = ("time", "level", "part", "event", "request_id", "job_id", "user", "logger", "pid")
"""Order in a line; what else is told follows."""
OURS = "speaksep"
"""Beginning of the names of our loggers, which say nothing that is nobody's business, in fields of their own."""
AS_IT_IS = frozenset({"path"})
"""Fields that hold addresses, whose makers have taken out what must not be seen."""

_NO_FIELDS = frozenset({"event", "exc_info"})
_EXTRA = structlog.stdlib.ExtraAdder()


def formatter(*, part: str, as_json: bool, colors: bool = False) -> logging.Formatter:
    """What turns records, ours and those of any library, into lines.

    Parameters
    ----------
    part
        Which part of the platform this process is.
    as_json
        Whether a line is JSON; words for people, if not.
    colors
        Whether those have colours.
    """
    end = structlog.processors.JSONRenderer(serializer=_json) if as_json else _words(colors)
    return structlog.stdlib.ProcessorFormatter(processors=[_Shape(part, nested=as_json), end])


def in_words(line: Mapping[str, Any], *, colors: bool = False) -> str:
    """A line of JSON as people read it."""
    told = {key: value for key, value in line.items() if key not in ("pid", "logger")}
    return str(_words(colors)(None, "", told))


def _words(colors: bool) -> Any:
    return structlog.dev.ConsoleRenderer(colors=colors, sort_keys=False, pad_event_to=0, timestamp_key="time")


class _Shape:
    """From what was logged to the fields of a line."""

    def __init__(self, part: str, *, nested: bool) -> None:
        self._part, self._nested = part, nested

    def __call__(self, logger: Any, name: str, told: MutableMapping[str, Any]) -> dict[str, Any]:
        record: logging.LogRecord = told["_record"]
        ours = record.name.split(".")[0].split("_")[0] == OURS
        if ours and not told["_from_structlog"]:
            told = _EXTRA(logger, name, told)
        fields = {key: value for key, value in told.items() if not key.startswith("_") and key not in _NO_FIELDS}
        line: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "part": self._part,
            "event": cleaned(str(told["event"]), random=not ours),
            **carried(),
        }
        if ours or told["_from_structlog"]:
            line |= {key: value if key in AS_IT_IS else _plain(value) for key, value in fields.items()}
        line |= {"logger": record.name, "pid": record.process or os.getpid()}
        raised = told.get("exc_info")
        if isinstance(raised, tuple) and raised[1] is not None:
            line |= _exception(raised[1], nested=self._nested)
        return {key: line[key] for key in (*FIRST, *line) if line.get(key) not in (None, "")}


def _exception(error: BaseException, *, nested: bool) -> dict[str, Any]:
    told = fault(error)
    if nested:
        return {"error": told}
    frames = told.get("frames", ["?"])
    return {"error": f"{told['type']}: {told['message']} ({frames[-1]})"}


def _plain(value: Any) -> Any:
    """What JSON can hold, with every text cleaned; anything else is left out."""
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in list(value.items())[:20]}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in list(value)[:20]]
    return None


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(line: dict[str, Any], **_: Any) -> str:
    return json.dumps(line, ensure_ascii=False)
