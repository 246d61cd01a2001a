"""Which workers are lost: those whose counter stands still, by the observer's own clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass
class _Seen:
    beat: int
    still_s: float


class Watch(Generic[Key]):
    """Remembers when each counter last moved.

    Only the observer's monotonic clock is used, so that a wall clock that jumps kills nothing and revives nothing, and
    machines need not agree on the time. One look adds at most a quarter of the lease: an observer that was itself
    stopped for an hour, perhaps with its workers, does not declare them dead on waking.

    Parameters
    ----------
    monotonic
        Seconds that only rise.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen: dict[Key, _Seen] = {}
        self._looked_s = monotonic()

    def look(self, beats: Mapping[Key, tuple[int, float]]) -> list[Key]:
        """Those that have not moved for their lease.

        Parameters
        ----------
        beats
            Counter and lease in seconds of everything that is held now; what is missing is forgotten.
        """
        now_s = self._monotonic()
        passed_s, self._looked_s = now_s - self._looked_s, now_s
        seen: dict[Key, _Seen] = {}
        lost = []
        for key, (beat, lease_s) in beats.items():
            before = self._seen.get(key)
            if before is None or before.beat != beat:
                seen[key] = _Seen(beat, 0.0)
                continue
            seen[key] = _Seen(beat, before.still_s + min(passed_s, lease_s / 4))
            if seen[key].still_s >= lease_s:
                lost.append(key)
        self._seen = seen
        return lost
