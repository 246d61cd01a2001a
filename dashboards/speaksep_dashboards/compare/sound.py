"""What is heard of an excerpt: the two tracks, equally loud, and the recording."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from speaksep_dashboards.compare.matching import Excerpt
from speaksep_kernel.errors import InputError
from speaksep_kernel.results.write import MIXTURE
from speaksep_widgets.lanes import Lanes

MIX = "mixture"
LEAST_RATIO = 0.25
"""What is more than 12 dB quieter than the other stays quieter: it is another sound, not the same at another level."""


def heard(
    lanes: tuple[Lanes, Lanes], excerpt: Excerpt, sides: list[str], start_s: float, stop_s: float, speed: float
) -> NDArray[np.int16]:
    """(sides, n) samples of the same stretch of an excerpt.

    Parameters
    ----------
    lanes
        Of both takes.
    excerpt
        Which.
    sides
        "a", "b" or "mixture" each.
    start_s, stop_s
        Seconds from the beginning of the excerpt; nothing outside of it is heard.
    speed
        As of `Lanes.sound`.

    Raises
    ------
    InputError
        Reasons ``bad-span`` and ``bad-speed``.
    """
    length_s = excerpt.end_s - excerpt.start_s
    start_s, stop_s = max(start_s, 0.0), min(stop_s, length_s)
    if not start_s < stop_s:
        raise InputError(f"{start_s:g} to {stop_s:g} s of an excerpt", reason="bad-span", hint=f"it has {length_s:g} s")
    gains = _gains(*lanes, excerpt)
    where = excerpt.start_s + start_s, excerpt.start_s + stop_s
    rows = []
    for side in sides:
        if side == MIX:
            rows.append(lanes[0].sound([MIXTURE], *where, speed)[0])
            continue
        lane, number, gain = (lanes[0], excerpt.a, gains[0]) if side == "a" else (lanes[1], excerpt.b, gains[1])
        rows.append(np.round(lane.sound([f"speaker_{number}"], *where, speed)[0] * gain).astype(np.int16))
    return np.stack(rows)


@lru_cache(maxsize=256)
def _gains(first: Lanes, second: Lanes, excerpt: Excerpt) -> tuple[float, float]:
    """Factors, at most 1, that make both equally loud: the louder of two is liked better whatever it is."""
    loudness = [
        float(np.sqrt(np.mean(np.square(lanes.read(f"speaker_{number}", excerpt.start_s, excerpt.end_s)))))
        for lanes, number in ((first, excerpt.a), (second, excerpt.b))
    ]
    least = min(loudness)
    if least < LEAST_RATIO * max(loudness):
        return 1.0, 1.0
    return least / (loudness[0] or 1.0), least / (loudness[1] or 1.0)
