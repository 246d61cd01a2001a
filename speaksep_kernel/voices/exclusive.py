"""Turns of which no two are at once, for tools that can follow one speaker at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from speaksep_kernel.voices.overlaps import stretches
from speaksep_kernel.voices.turns import Turn


def exclusive_turns(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """At each moment in which anybody speaks, the one speaker who most surely does.

    Where several speak, that is the one with the most confident turn, and among equals the one who began first. The
    choice is made once for as long as the same people speak, so no turn flickers. See docs/exchange.md for how often
    it is right, and for other rules that were tried.

    Parameters
    ----------
    turns
        Of a whole recording, in any order.

    Returns
    -------
    By start; parts of the turns given, none at once, that together last as long as anybody speaks.

    Examples
    --------
    >>> [(t.start_s, t.end_s, t.speaker) for t in exclusive_turns([Turn(0.0, 5.0, 1), Turn(4.0, 8.0, 2)])]
    [(0.0, 5.0, 1), (5.0, 8.0, 2)]
    """
    found: list[tuple[float, float, Turn]] = []
    for start_s, end_s, active in stretches(turns):
        holder = max(active, key=lambda turn: turn.confidence)
        if found and found[-1][1] == start_s and found[-1][2] is holder:
            start_s = found.pop()[0]
        found.append((start_s, end_s, holder))
    return tuple(replace(turn, start_s=a, end_s=b, overlapped=False) for a, b, turn in found)
