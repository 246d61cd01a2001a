"""One progress protocol; the terminal bar, the widget, the log and the job row are all hooks on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class ProgressHook(Protocol):
    """Called by every long stage. Raise from it (e.g. ``KeyboardInterrupt``) to cancel the work."""

    def __call__(self, stage: str, completed: float, total: float | None = None) -> None:
        """Report progress.

        Parameters
        ----------
        stage
            Name of the stage, one of the verbs of the pipeline ("read", "segment", "separate", …).
        completed, total
            Work done and work to do, in the stage's own unit; ``total=None`` when unknown.
            A stage always ends with ``completed == total``.
        """


def silent(stage: str, completed: float, total: float | None = None) -> None:
    """The hook that does nothing."""


def track(items: Iterable[T], hook: ProgressHook, stage: str, total: int | None = None) -> Iterator[T]:
    """Yield ``items``, reporting one unit of ``stage`` after each."""
    done = 0
    hook(stage, 0, total)
    for item in items:
        yield item
        done += 1
        hook(stage, done, total)
    if total is None:
        hook(stage, done, done)
