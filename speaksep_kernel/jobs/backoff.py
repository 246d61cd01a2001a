"""How long a job waits before its next attempt."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Exponential, capped, with jitter so that jobs that failed together do not come back together.

    Attributes
    ----------
    first_s
        Wait after the first failure.
    cap_s
        The longest wait.
    jitter
        Share of the wait that is left to chance, 0 … 1.
    """

    first_s: float = 2.0
    cap_s: float = 300.0
    jitter: float = 0.5

    def delay_s(self, failures: int, *, chance: Callable[[], float] = random.random) -> float:
        """Seconds to wait after so many failures (1 or more)."""
        longest = min(self.cap_s, self.first_s * 2.0 ** min(failures - 1, 60))
        return longest * (1 - self.jitter * chance())


DEFAULT_BACKOFF = Backoff()
