"""Progress on stderr: a bar with the time left on a terminal, plain lines when piped."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from speaksep_kernel.progress import ProgressHook, silent

EVERY_S = 5.0
"""A plain line at most this often, and none so soon: a short run, or a refusal, prints nothing."""


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[ProgressHook]:
    """A hook that shows progress while the block runs."""
    if quiet:
        yield silent
    elif sys.stderr.isatty():
        with _bar() as hook:
            yield hook
    else:
        yield PlainLines(sys.stderr)


class PlainLines:
    """Lines such as ``separate 40 % (12 s left)``, for logs."""

    def __init__(self, stream: TextIO, every_s: float = EVERY_S) -> None:
        self._stream, self._every_s = stream, every_s
        self._stage, self._since, self._said = "", 0.0, 0.0

    def __call__(self, stage: str, completed: float, total: float | None = None) -> None:
        """See `ProgressHook`."""
        now = time.monotonic()
        self._said = self._said or now  # from the first call on: loading the networks takes seconds
        if stage != self._stage:
            self._stage, self._since = stage, now
        if now - self._said < self._every_s:
            return
        self._said = now
        if not total:
            print(f"{stage} {completed:g}", file=self._stream, flush=True)
            return
        left = f" ({(now - self._since) * (total - completed) / completed:.0f} s left)" if completed else ""
        print(f"{stage} {100 * completed / total:.0f} %{left}", file=self._stream, flush=True)


@contextmanager
def _bar() -> Iterator[ProgressHook]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def hook(stage: str, completed: float, total: float | None = None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=completed, total=total)

        yield hook
