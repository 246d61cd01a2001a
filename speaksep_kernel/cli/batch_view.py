"""How a batch is going, on stderr: a live table on a terminal, plain lines when piped."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from speaksep_kernel.cli.bar import EVERY_S
from speaksep_kernel.cli.output import clock

if TYPE_CHECKING:
    from speaksep_kernel.jobs.batch.folder import Batch
    from speaksep_kernel.jobs.dispatcher import Glance
    from speaksep_kernel.jobs.job import Job

Watch = Callable[["Glance"], None]
BESIDE = 6
"""Lines of a terminal that are not rows of running jobs."""


class Pace:
    """How long a batch will go on, by what was done since it is watched; long recordings count for more."""

    def __init__(self, batch: Batch) -> None:
        known = [task.seconds for task in batch.tasks if task.seconds is not None]
        usual = sum(known) / len(known) if known else 1.0
        # A job costs something however short it is.
        self._weights = {task.name: (usual if task.seconds is None else task.seconds) + 10.0 for task in batch.tasks}
        self._since = time.monotonic()
        self._done = 0.0
        self._first: float | None = None

    def left_s(self, glance: Glance) -> float | None:
        """Seconds left; ``None`` as long as nobody can say."""
        self._done += sum(self._weights.get(name_of(job), 0.0) for job in glance.finished)
        now = self._done + sum(self._weights.get(name_of(job), 0.0) * job.fraction for job in glance.held)
        self._first = now if self._first is None else self._first
        done, passed_s = now - self._first, time.monotonic() - self._since
        mean = sum(self._weights.values()) / max(1, len(self._weights))
        left = glance.left * mean - (now - self._done)
        return None if done <= 0 or passed_s < 2 else passed_s * max(0.0, left) / done


@contextmanager
def view(batch: Batch, *, quiet: bool) -> Iterator[Watch]:
    """Something to tell how a batch stands while the block runs."""
    if quiet:
        yield lambda glance: None
    elif sys.stderr.isatty():
        with _table(batch) as watch:
            yield watch
    else:
        yield Lines(batch, sys.stderr)


def name_of(job: Job) -> str:
    """What the job is called in its batch."""
    return str(job.key or job.id).partition("/")[2] or job.id


def counted(glance: Glance) -> str:
    """The states in words: what there is none of is not said.

    >>> from types import SimpleNamespace as Glance
    >>> counted(Glance(counts={"succeeded": 57, "failed": 1, "running": 2, "queued": 0, "cancelled": 0}))
    '57 done, 1 failed, 2 running'
    """
    words = {"succeeded": "done", "failed": "failed", "cancelled": "cancelled", "running": "running"}
    words |= {"cancelling": "stopping", "queued": "waiting"}
    said = [f"{glance.counts[state]} {word}" for state, word in words.items() if glance.counts.get(state)]  # type: ignore[call-overload,index]  # states are words
    return ", ".join(said) or "nothing to do"


class Lines:
    """Lines such as ``57 done, 1 failed, 2 running (3:20 left)``, and one for each failure, for logs."""

    def __init__(self, batch: Batch, stream: TextIO, every_s: float = EVERY_S) -> None:
        self._stream, self._every_s, self._pace = stream, every_s, Pace(batch)
        self._said, self._trouble = time.monotonic(), ""

    def __call__(self, glance: Glance) -> None:
        """Tell how it stands."""
        left_s = self._pace.left_s(glance)
        for job in glance.finished:
            if job.error and job.state != "succeeded":
                self._say(failure(job))
        if glance.trouble and glance.trouble != self._trouble:
            self._say(f"waiting: {glance.trouble}")
        self._trouble = glance.trouble
        if time.monotonic() - self._said >= self._every_s:
            self._said = time.monotonic()
            left = "" if left_s is None else f" ({clock(left_s)} left)"
            self._say(f"{counted(glance)}{left}")

    def _say(self, line: str) -> None:
        with suppress(OSError):  # a log on a full disk, or whose reader has left, is no reason to stop
            print(line, file=self._stream, flush=True)


def failure(job: Job) -> str:
    """A job that failed, in a line."""
    return f"{name_of(job)} {job.state}: {(job.error or {}).get('error', 'for no reason that is known')}"


@contextmanager
def _table(batch: Batch) -> Iterator[Watch]:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console, pace = Console(stderr=True), Pace(batch)
    with Live(console=console, refresh_per_second=8, transient=True) as live:

        def watch(glance: Glance) -> None:
            for job in glance.finished:
                if job.error and job.state != "succeeded":
                    console.print(Text(failure(job), style="red"), overflow="fold")
            live.update(_picture(batch, glance, pace.left_s(glance), rows=max(1, console.height - BESIDE)))

        yield watch


def _picture(batch: Batch, glance: Glance, left_s: float | None, *, rows: int) -> Any:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    total = sum(glance.counts.values())
    inside = sum(job.fraction for job in glance.held)
    head = Table.grid(padding=(0, 2))
    left = "" if left_s is None else f"{clock(left_s)} left"
    bar = ProgressBar(total=max(1, total), completed=total - glance.left + inside, width=30)
    head.add_row(Text(batch.notebook, style="bold"), bar, f"{total - glance.left} of {total}", left)
    parts: list[Any] = [head, Text(counted(glance), style="dim")]
    running = Table(box=None, pad_edge=False, show_header=False)
    running.add_column(no_wrap=True, overflow="ellipsis", max_width=40)
    running.add_column()
    running.add_column(justify="right", no_wrap=True)
    running.add_column(no_wrap=True, overflow="ellipsis", style="dim")
    now = time.time()
    for job in glance.held[:rows]:
        took = clock(max(0.0, now - (job.started_at or now)))
        doing = " · ".join(part for part in (job.stage if job.stage != "cell" else "", job.message) if part)
        again = f"attempt {job.attempt}" if job.attempt > 1 else ""
        words = " · ".join(part for part in (doing, again) if part)
        running.add_row(name_of(job), ProgressBar(total=1.0, completed=job.fraction, width=20), took, words)
    if glance.held:
        parts.append(running)
    if len(glance.held) > rows:
        parts.append(Text(f"and {len(glance.held) - rows} more", style="dim"))
    if glance.trouble:
        parts.append(Text(f"waiting: {glance.trouble}", style="yellow"))
    return Group(*parts)
