"""Progress inside a cell of a batch notebook: a line that people see, and the job's row hears."""

from __future__ import annotations

import time
from typing import Any

from speaksep_kernel.jobs.ticket import PROGRESS
from speaksep_kernel.progress import ProgressHook, silent

SHARES = {"read": 2.0, "clean": 4.0, "segment": 8.0, "separate": 60.0, "embed": 18.0, "diagnose": 4.0, "render": 8.0}
"""Parts of a separation's time, as measured on twenty seconds of two people, in order; others count as none."""
EVERY_S = 0.25


def progress(*stages: str) -> ProgressHook:
    """A hook for the verbs, shown as one line below the cell.

    Parameters
    ----------
    stages
        Those that will come, in order; the ones of a separation if none are named.

    Returns
    -------
    A hook that does nothing outside of a notebook.

    Examples
    --------
    >>> hook = progress()
    >>> hook("separate", 1, 2)
    """
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return silent
    return silent if get_ipython() is None else _Line(dict.fromkeys(stages, 1.0) or SHARES)


class _Line:
    def __init__(self, shares: dict[str, float]) -> None:
        from IPython.display import display

        whole = sum(shares.values())
        self._shares = {stage: share / whole for stage, share in shares.items()}
        self._fraction, self._stage, self._shown_s = 0.0, "", time.monotonic()
        self._handle: Any = display(self._bundle("begins"), raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def __call__(self, stage: str, completed: float, total: float | None = None) -> None:
        """See `ProgressHook`."""
        part = min(1.0, completed / total) if total else 0.0
        if stage in self._shares:
            names = list(self._shares)
            before = sum(self._shares[name] for name in names[: names.index(stage)])
            self._fraction = max(self._fraction, before + part * self._shares[stage])
        now_s = time.monotonic()
        if stage == self._stage and now_s - self._shown_s < EVERY_S:
            return
        self._stage, self._shown_s = stage, now_s
        self._handle.update(self._bundle(f"{stage} {part:.0%}" if total else stage), raw=True)

    def _bundle(self, words: str) -> dict[str, Any]:
        told = {"fraction": round(self._fraction, 4), "stage": self._stage, "message": words}
        return {"text/plain": words, PROGRESS: told}
