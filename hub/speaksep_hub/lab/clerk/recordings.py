"""A recording of the workspace, looked at without a kernel: what `speaksep_widgets.RecordingView` shows and answers."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from speaksep_hub.lab.clerk.paths import inside
from speaksep_kernel.errors import InputError
from speaksep_kernel.recording import Recording
from speaksep_widgets.lanes import Lanes

PIXELS = 1024
"""As in `widgets/parts/waveform.js`: one piece of peaks."""
MOST_PIECES = 256
LANE = "mixture"


def recording_data(root: Path, *, path: str) -> dict[str, Any]:
    """What the view needs before it asks: traits of the widget by name, the snapshot in base64.

    Raises
    ------
    InputError, CapacityError
        There is no such file, or it is no recording that can be used.
    """
    place = inside(root, path)
    lanes = _opened(place)
    peaks, done = lanes.peaks(LANE, 0, lanes.seconds, PIXELS)
    return {
        "name": place.name,
        "seconds": lanes.seconds,
        "rate_hz": lanes.rate_hz,
        "lanes": [LANE],
        "snapshot": b64encode(peaks.astype("<i2").tobytes()).decode(),
        "measured": done,
        "findings": _findings(place),
        "stamp": "-".join(map(str, _stamp(place))),
    }


def recording_ask(root: Path, *, path: str, question: dict[str, Any]) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    """Answer ``{"ask": "peaks" | "tile" | "sound", …}`` as `speaksep_widgets.recording_view.LaneWidget` does.

    Raises
    ------
    InputError
        Reasons ``unknown-ask`` and ``bad-question``, and those of `Lanes`.
    """
    lanes = _opened(inside(root, path))
    asked, fields = question.get("ask"), {name: value for name, value in question.items() if name not in ("ask", "id")}
    answer = _ANSWERS.get(str(asked))
    if answer is None:
        raise InputError(f"nobody answers {str(asked)[:40]!r} here", reason="unknown-ask", hint="reload the page")
    try:
        return answer(lanes, **fields)
    except (TypeError, ValueError) as error:
        raise InputError(f"{asked}: {error}", reason="bad-question", hint="reload the page") from None


def _peaks(source: Lanes, *, pieces: list[Any], pixels: int) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    found = [source.peaks(str(lane), float(a), float(b), int(pixels)) for lane, a, b in pieces[:MOST_PIECES]]
    return {"ok": True, "done": [done for _, done in found]}, tuple(each.astype("<i2").tobytes() for each, _ in found)


def _tile(
    source: Lanes, *, lane: str, start_s: float, stop_s: float, columns: int, rows: int, scale: Any
) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    tile = source.tile(lane, float(start_s), float(stop_s), columns=columns, rows=rows, scale=scale)
    return {"ok": True}, (tile.tobytes(),)


def _sound(
    source: Lanes, *, lanes: list[str], start_s: float, stop_s: float, speed: float = 1.0
) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    sound = source.sound([str(lane) for lane in lanes], float(start_s), float(stop_s), float(speed))
    return {"ok": True}, (sound.astype("<i2").tobytes(),)


_ANSWERS: dict[str, Callable[..., tuple[dict[str, Any], tuple[bytes, ...]]]] = {
    "peaks": _peaks,
    "tile": _tile,
    "sound": _sound,
}


def _stamp(place: Path) -> tuple[int, int]:
    written = place.stat()
    return written.st_mtime_ns, written.st_size


def _opened(place: Path) -> Lanes:
    return _lanes(place, _stamp(place))


@lru_cache(maxsize=16)
def _lanes(place: Path, _stamp: tuple[int, int]) -> Lanes:
    return Lanes(Recording.open(place))


def _findings(place: Path) -> list[dict[str, Any]]:
    """What a diagnosis found that lies beside the recording, as `diagnose` of the context menu leaves it."""
    from speaksep_hub.lab.clerk.local import beside

    for found in sorted(beside(place), key=lambda each: each.stat().st_mtime, reverse=True):
        try:
            told = json.loads(found.read_bytes())
            told = told.get("diagnosis", told)  # of a manifest
            return [
                {name: each[name] for name in ("code", "severity", "why")} | {"spans": each["spans"][:500]}
                for each in told["findings"]
            ]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return []
