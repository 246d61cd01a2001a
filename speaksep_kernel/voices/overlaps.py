"""Who talks at once with whom, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from speaksep_kernel.voices.turns import Turn


@dataclass(frozen=True, order=True)
class Overlap:
    """A stretch in which the same two or more people speak at once.

    Attributes
    ----------
    start_s, end_s
        Seconds from the recording's start.
    speakers
        Their numbers, ascending.
    """

    start_s: float
    end_s: float
    speakers: tuple[int, ...]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


def overlap_map(turns: Iterable[Turn]) -> tuple[Overlap, ...]:
    """Every stretch with two or more speakers, by start; a new one wherever somebody joins in or falls silent.

    Examples
    --------
    >>> overlap_map([Turn(0.0, 5.0, 1), Turn(4.0, 8.0, 2)])
    (Overlap(start_s=4.0, end_s=5.0, speakers=(1, 2)),)
    """
    found: list[Overlap] = []
    for start_s, end_s, active in stretches(turns):
        speakers = tuple(sorted({turn.speaker for turn in active}))
        if len(speakers) < 2:
            continue
        if found and found[-1].end_s == start_s and found[-1].speakers == speakers:
            start_s = found.pop().start_s
        found.append(Overlap(start_s, end_s, speakers))
    return tuple(found)


def stretches(turns: Iterable[Turn]) -> Iterator[tuple[float, float, tuple[Turn, ...]]]:
    """Time cut wherever a turn starts or ends: start, end and the turns that last through it, gaps left out.

    The turns of a stretch come in the order in which they started.
    """
    edges = sorted(
        (time_s, starts, turn) for turn in turns for time_s, starts in ((turn.start_s, True), (turn.end_s, False))
    )
    active: list[Turn] = []
    since = 0.0
    for time_s, starts, turn in edges:
        if active and time_s > since:
            yield since, time_s, tuple(active)
        since = time_s
        if starts:
            active.append(turn)
        elif turn in active:  # not if it has no length: then its end comes first
            active.remove(turn)
