"""Refusals are what attackers make most of: so many of one origin are written, the others only counted."""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_S = 60.0
MOST = 60
"""Written per origin and window."""
MOST_ORIGINS = 10_000


@dataclass
class _Origin:
    until_s: float
    count: int = 0


class Floods:
    """Counts per origin. Not safe for threads."""

    def __init__(self) -> None:
        self._origins: dict[str, _Origin] = {}

    def count(self, origin: str, now_s: float) -> int | None:
        """Count one.

        Parameters
        ----------
        origin
            Who, from where.
        now_s
            Seconds of any clock that only goes forward.

        Returns
        -------
        None if it is one too many; else how many were too many before it, which is told once.
        """
        found = self._origins.get(origin)
        if found is None or now_s >= found.until_s:
            if len(self._origins) >= MOST_ORIGINS:
                self._origins = {name: each for name, each in self._origins.items() if now_s < each.until_s}
            if len(self._origins) >= MOST_ORIGINS:
                origin = ""  # all further ones together
                found = self._origins.get(origin)
        if found is None or now_s >= found.until_s:
            self._origins[origin] = _Origin(now_s + WINDOW_S, 1)
            return 0 if found is None else max(0, found.count - MOST)
        found.count += 1
        return None if found.count > MOST else 0
