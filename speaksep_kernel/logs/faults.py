"""An exception as a log has it: what kind, what it said, where it was raised and what it came from."""

from __future__ import annotations

import traceback
from typing import Any

from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.logs.cleaned import cleaned

MOST_FRAMES, MOST_CAUSES = 20, 4
"""The innermost so many places in code, and so many errors behind the error."""


def fault(error: BaseException) -> dict[str, Any]:
    """An exception as JSON: no values of variables, no lines of code, its words cleaned.

    Returns
    -------
    ``type``, ``message``, ``reason`` of an error of ours, ``frames`` (innermost last, ``module.py:line in function``),
    and ``because`` of the same form.
    """
    return _told(error, MOST_CAUSES)


def _told(error: BaseException, causes: int) -> dict[str, Any]:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    told: dict[str, Any] = {"type": name, "message": cleaned(str(error), random=True)}
    if isinstance(error, SpeakSepError):
        told["reason"] = error.reason
    frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)
    if frames:
        told["frames"] = [f"{cleaned(each.filename)}:{each.lineno} in {each.name}" for each in frames[-MOST_FRAMES:]]
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and causes:
        told["because"] = _told(before, causes - 1)
    return told
