"""What of a fault may leave the platform: kinds of errors and places in code, nothing that came from a person.

It is a list of what may stay, so that what nobody thought of goes. Messages of errors and values of variables hold
names of people, files and recordings sooner or later: they stay in the log of the machine, where the id of the request
finds them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

OWN_LOGS = "speaksep"
"""Beginning of the names of loggers whose messages are constants: what varies is in their parameters."""

_REQUEST = "request %s failed"
_OWN_ID = re.compile(r"[0-9a-f]{32}")  # one that a client brought may say anything
_EVENT = ("event_id", "timestamp", "level", "platform", "release", "environment", "logger", "sdk")
_FRAME = ("module", "function", "lineno", "in_app")


def allowed(event: Mapping[str, Any], part: str, reason: str = "") -> dict[str, Any]:
    """An event of Sentry with nothing but what may leave.

    Parameters
    ----------
    event
        As it was made.
    part
        Which part of the platform this is.
    reason
        The error's own reason code, if it has one.
    """
    kept = {name: event[name] for name in _EVENT if name in event}
    log = event.get("logentry") or {}
    tags = {"part": part, **({"reason": reason} if reason else {})}
    if str(event.get("logger", "")).split(".")[0] == OWN_LOGS:
        kept["logentry"] = {"message": str(log.get("message", ""))}
        tags |= _request(log)
    errors = (event.get("exception") or {}).get("values") or []
    if errors:
        kept["exception"] = {"values": [_error(each) for each in errors]}
    runtime = (event.get("contexts") or {}).get("runtime") or {}
    kept["contexts"] = {"runtime": {name: runtime[name] for name in ("name", "version") if name in runtime}}
    return {**kept, "tags": tags}


def place_of(event: Mapping[str, Any]) -> tuple[str, ...]:
    """By what two faults are the same: kind of error and where it was raised, or who logged it."""
    errors = (event.get("exception") or {}).get("values") or [{}]
    frames = (errors[-1].get("stacktrace") or {}).get("frames") or [{}]
    own = (errors[-1].get("type"), frames[-1].get("module"), frames[-1].get("lineno"), event.get("logger"))
    return tuple(map(str, own))


def _error(error: Mapping[str, Any]) -> dict[str, Any]:
    frames = (error.get("stacktrace") or {}).get("frames") or []
    short = [{name: frame[name] for name in _FRAME if name in frame} for frame in frames]
    kept = {name: error[name] for name in ("type", "module") if error.get(name)}
    return {**kept, "value": "", "stacktrace": {"frames": short}} if short else {**kept, "value": ""}


def _request(log: Mapping[str, Any]) -> dict[str, str]:
    parameters = log.get("params") or ()
    if log.get("message") != _REQUEST or not parameters or not _OWN_ID.fullmatch(str(parameters[0])):
        return {}
    return {"request_id": str(parameters[0])}
