"""Whether a job worker still looks at its table, and whether it could take a job."""

from __future__ import annotations

import time
from collections.abc import Callable

from speaksep_kernel.jobs.dispatcher import Glance

READY_S, ALIVE_S = 30.0, 300.0
"""It looks several times a second. A table may be away for a while; who has not looked for longer hangs."""


class Pulse:
    """Hears of every glance of a dispatcher.

    Parameters
    ----------
    next_
        Who hears of it afterwards.
    clock
        Seconds, from any beginning.
    """

    def __init__(self, next_: Callable[[Glance], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._next, self._clock = next_, clock
        self._seen_s = clock()
        self._looked = False
        self._trouble = ""

    def see(self, glance: Glance) -> None:
        """It looked."""
        self._seen_s, self._looked, self._trouble = self._clock(), True, glance.trouble
        self._next(glance)

    def wrong(self, *, ready: bool) -> str:
        """What is wrong; "" if nothing is.

        Parameters
        ----------
        ready
            Whether it should also be able to take a job; otherwise it need only live.
        """
        silent_s = self._clock() - self._seen_s
        if silent_s > (READY_S if ready else ALIVE_S):
            return f"has not looked at the job table for {silent_s:.0f} s"
        if ready and not self._looked:
            return "has not looked at the job table yet"
        return self._trouble if ready else ""
