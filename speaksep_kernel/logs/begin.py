"""Begins to log, once in every process that is a part of the platform."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO

from speaksep_kernel.errors import InputError
from speaksep_kernel.logs.carried import as_variable, taken_over

if TYPE_CHECKING:
    from types import TracebackType

FORMAT, LEVEL, PART = "SPEAKSEP_LOG_FORMAT", "SPEAKSEP_LOG_LEVEL", "SPEAKSEP_LOG_PART"
"""Environment variables: ``json``, ``text`` or ``auto``; ``debug``, ``info``, ``warning`` or ``error``; name of the \
part, for processes that others start for it."""
FORMATS = ("auto", "json", "text")
LEVELS = ("debug", "info", "warning", "error")
TALKATIVE = (
    "aiobotocore", "alembic", "apprise", "asyncio", "botocore", "distributed", "fsspec", "httpcore", "httpx",
    "matplotlib", "numba", "papermill", "s3fs", "urllib3",
)  # fmt: skip
"""Libraries of which only warnings are logged."""
OURS = ("speaksep", "speaksep_kernel", "speaksep_widgets", "speaksep_dashboards", "speaksep_hub")

_begun: list[logging.Handler] = []


def log_to(part: str, stream: TextIO | None = None, *, heard: bool = False) -> None:
    """Log to the standard error of this process from now on.

    Lines are JSON, or words where that is a terminal; `FORMAT` and `LEVEL` say otherwise. What ends the process or a
    thread is logged, too, and so are warnings of Python.

    Parameters
    ----------
    part
        Which part of the platform this process is.
    stream
        In the place of the standard error.
    heard
        Whether processes that it starts shall do the same, as far as they :func:`join`.

    Raises
    ------
    InputError
        Reason ``bad-setting``: one of the variables is none of its words.
    """
    handler, root = handler_for(part, stream), logging.getLogger()
    for each in (*_begun, *(each for each in root.handlers if type(each) is logging.StreamHandler)):
        root.removeHandler(each)
    _begun[:] = [handler]
    root.addHandler(handler)
    root.setLevel(level())
    for logger in filter(_own_way, _loggers()):
        logger.handlers[0].setFormatter(handler.formatter)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    if heard:
        os.environ[PART] = part
    sys.excepthook, threading.excepthook = _ended, _thread_ended


def log_from(part: str) -> None:
    """Log what our own code says in a process that belongs to somebody: their logging stays as they have it.

    Parameters
    ----------
    part
        Which part of the platform this process is.
    """
    # A file of its own: a kernel takes what is written to the standard error into the notebook.
    handler = handler_for(part, os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace"))
    for name in OURS:
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(level())
        logger.propagate = False


def join() -> None:
    """Log as the process does that started this one, if it does, and carry on what it was told to."""
    part = taken_over() or os.environ.get(PART)
    if part and not _begun:
        log_to(part)


def logging_variables(part: str) -> dict[str, str]:
    """What a process is told that goes on with the work under way here; nothing where nobody logs."""
    from speaksep_kernel.logs.carried import VARIABLE

    return {VARIABLE: as_variable(part)} if _begun else {}


def handler_for(part: str, stream: TextIO | None = None) -> logging.Handler:
    """A handler that writes lines of a part.

    Raises
    ------
    InputError
        Reason ``bad-setting``.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(line_formatter(part, handler.stream))
    return handler


def line_formatter(part: str, stream: TextIO | None = None, **_: Any) -> logging.Formatter:
    """What makes the lines of a part; for configurations of logging that are dictionaries.

    Raises
    ------
    InputError
        Reason ``bad-setting``.
    """
    from speaksep_kernel.logs.shape import formatter

    chosen, terminal = _chosen(FORMAT, FORMATS, "auto"), (stream or sys.stderr).isatty()
    as_json = chosen == "json" or (chosen == "auto" and not terminal)
    return formatter(part=part, as_json=as_json, colors=terminal)


def level() -> int:
    """From which level on something is logged.

    Raises
    ------
    InputError
        Reason ``bad-setting``.
    """
    return int(logging.getLevelNamesMapping()[_chosen(LEVEL, LEVELS, "info").upper()])


def _loggers() -> list[logging.Logger]:
    return [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]


def _own_way(logger: logging.Logger) -> bool:
    """Whether a library, such as Dask, has set up one that writes to the standard error by itself."""
    return [type(each) for each in logger.handlers] == [logging.StreamHandler] and not logger.propagate


def _chosen(variable: str, words: tuple[str, ...], otherwise: str) -> str:
    said = os.environ.get(variable, "").lower() or otherwise
    if said not in words:
        raise InputError(f"{variable} is {said!r}", reason="bad-setting", hint=f"one of: {', '.join(words)}")
    return said


def _ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger(OURS[0]).critical("ended by an error", exc_info=(kind, error, trace))


def _thread_ended(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None and not issubclass(told.exc_type, SystemExit):
        known = (told.exc_type, told.exc_value, told.exc_traceback)
        logging.getLogger(OURS[0]).error("a thread was ended by an error", exc_info=known)
