"""Short pieces of sound for reports: the same seconds before and after separation, as Ogg Opus."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from speaksep_dashboards.reports.values import Excerpt, Part, Words
from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.results.exporters import Opus
from speaksep_kernel.results.values import Separation, Track
from speaksep_kernel.results.write import MIXTURE
from speaksep_kernel.voices.overlaps import Overlap, overlap_map
from speaksep_kernel.voices.turns import Turn
from speaksep_widgets.lanes import Lanes

LONGEST_S = 8.0
"""Of an excerpt: some 27 kB."""
MOST_SPEAKERS = 6
"""Those who speak most are heard; 16 excerpts are half a megabyte."""
_FADE_S = 0.01


def excerpts(separation: Separation) -> tuple[Part, ...]:
    """What each speaker sounds like where somebody talks over them, and the recording in the same seconds.

    A track that cannot be read is told in words: a report says what there is.
    """
    heard = sorted(separation.tracks, key=lambda track: -track.seconds)[:MOST_SPEAKERS]
    spans: dict[tuple[float, float], list[Track]] = {}
    parts: list[Part] = []
    try:
        lanes = Lanes(separation)
        for track in sorted(heard, key=lambda track: track.speaker):
            where = most_telling(separation.turns, track.speaker, lanes.seconds)
            if where is not None:
                spans.setdefault(where, []).append(track)
        for (start_s, end_s), tracks in sorted(spans.items()):
            when = f"{clock(start_s)}–{clock(end_s)}"
            parts.append(Excerpt(f"The recording, {when}", opus(lanes, MIXTURE, start_s, end_s)))
            parts += [
                Excerpt(f"{_called(each)} alone, {when}", opus(lanes, each.label, start_s, end_s)) for each in tracks
            ]
    except (SpeakSepError, OSError) as error:
        parts.append(Words(f"The sound cannot be read: {error}", "warning", "no sound"))
    return tuple(parts)


def together(separation: Separation) -> tuple[Excerpt, ...]:
    """The recording and two speakers alone, in the seconds in which these two talk over each other longest."""
    overlaps = [overlap for overlap in separation.overlap_map() if overlap.seconds]
    if not overlaps:
        return ()
    longest = max(overlaps, key=lambda overlap: overlap.seconds)
    names = {track.speaker: track for track in separation.tracks if track.speaker in longest.speakers[:2]}
    try:
        lanes = Lanes(separation)
        start_s, end_s = _around(longest, lanes.seconds)
        recording = separation.diagnosis.recording.name
        sides = [
            (MIXTURE, recording),
            *((track.label, f"{recording}, {_called(track)} alone") for track in names.values()),
        ]
        when = f"{clock(start_s)}–{clock(end_s)}"
        return tuple(Excerpt(f"{name}, {when}", opus(lanes, lane, start_s, end_s)) for lane, name in sides)
    except (SpeakSepError, OSError):
        return ()  # its own report says why


def most_telling(turns: Iterable[Turn], speaker: int, seconds: float) -> tuple[float, float] | None:
    """The seconds to hear somebody in: around their longest overlap, else the start of their longest turn.

    Parameters
    ----------
    turns
        Who speaks when.
    speaker
        Number of the speaker.
    seconds
        Length of the recording.

    Returns
    -------
    Start and end in seconds, at most `LONGEST_S` apart; ``None`` for somebody without a turn.

    Examples
    --------
    >>> most_telling([Turn(0, 20, 1), Turn(12, 14, 2)], 1, 30.0)
    (9.0, 17.0)
    >>> most_telling([Turn(3, 5, 1)], 1, 30.0)
    (3, 5)
    """
    turns = list(turns)
    own = [turn for turn in turns if turn.speaker == speaker]
    if not own:
        return None
    overlaps = [overlap for overlap in overlap_map(turns) if speaker in overlap.speakers]
    if not overlaps:
        longest = max(own, key=lambda turn: turn.seconds)
        return longest.start_s, min(longest.end_s, longest.start_s + LONGEST_S)
    return _around(max(overlaps, key=lambda overlap: overlap.seconds), seconds)


def _around(overlap: Overlap, seconds: float) -> tuple[float, float]:
    middle = (overlap.start_s + overlap.end_s) / 2
    start = max(0.0, min(middle - LONGEST_S / 2, seconds - LONGEST_S))
    return start, min(start + LONGEST_S, seconds)


def _called(track: Track) -> str:
    return track.name or track.label


def opus(lanes: Lanes, lane: str, start_s: float, end_s: float) -> bytes:
    """Some seconds of a lane as a file; the same ones give the same bytes."""
    samples = np.clip(lanes.read(lane, start_s, end_s), -1, 1)
    fade = min(len(samples) // 2, round(_FADE_S * lanes.rate_hz))
    if fade:
        ramp = np.linspace(0, 1, fade, dtype=np.float32)
        samples[:fade] *= ramp
        samples[-fade:] *= ramp[::-1]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "excerpt.opus")
        writer = Opus().open(place, rate_hz=lanes.rate_hz, bits=16, samples=len(samples))
        writer.write(np.round(samples * 32767).astype(np.int32))
        writer.close()
        return place.read_bytes()


def clock(seconds: float) -> str:
    """A place in a recording, to a tenth of a second.

    >>> clock(9.04), clock(3725)
    ('0:09.0', '1:02:05.0')
    """
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"
