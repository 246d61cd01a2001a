"""What can be heard of a recording: its tracks, and what cleaning made of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speaksep_dashboards.desk import Desk
from speaksep_dashboards.stored import Stored, explained, with_sound
from speaksep_kernel.catalogue.subjects import DIAGNOSES
from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.recording import Limits, Recording
from speaksep_kernel.results.directory import INTERNAL
from speaksep_kernel.results.values import Separation
from speaksep_widgets.lanes import Lanes

Float32 = NDArray[np.float32]

CLEANED = "cleaned"
"""Lane of the recording as it was after cleaning: what the tracks were made from."""


class HeardLanes(Lanes):
    """The lanes of a separation, and the cleaned recording where there is one."""

    def __init__(self, separation: Separation) -> None:
        super().__init__(separation)
        self._cleaned: Recording | None = None
        entry = separation.manifest.cleaning
        if entry is not None:
            path = separation.directory / INTERNAL / entry.file
            self._cleaned = Recording.open(path, limits=Limits(max_seconds=np.inf, max_rate_hz=655_350))
            mixture = separation.manifest.mixture
            weights = mixture.weights if mixture.kind == "apart" else (1.0,)
            self._weights = np.array(weights, np.float32) * np.float32(entry.headroom)
            self.names = (*self.names, CLEANED)

    def read(self, lane: str, start_s: float, stop_s: float) -> Float32:
        """(n,) samples of a lane; fewer past its end."""
        if lane == CLEANED and self._cleaned is not None:
            return np.asarray(self._cleaned.read(start_s, stop_s) @ self._weights, dtype=np.float32)
        return super().read(lane, start_s, stop_s)

    def blocks(self, lane: str) -> Iterator[Float32]:
        """The whole lane, ten seconds at a time."""
        if lane == CLEANED and self._cleaned is not None:
            for block in self._cleaned.blocks():
                yield np.asarray(block @ self._weights, dtype=np.float32)
        else:
            yield from super().blocks(lane)


def lanes_of(desk: Desk, found: Stored) -> Lanes:
    """What can be heard of a job: of a separation all tracks, of a diagnosis the recording while it is kept.

    Raises
    ------
    InputError
        Reasons ``not-finished``, ``gone-result``, ``half-written`` and ``no-sound``.
    """
    if found.made is None:
        raise InputError(
            f"job {found.job.id} is {found.job.state}",
            reason="not-finished",
            hint="there is sound once it has succeeded",
        )
    if found.job.notebook == DIAGNOSES:
        try:
            return _recorded(desk.store.local(desk.store.key_of(str(found.job.parameters["source"]))))
        except SpeakSepError as error:
            if error.reason not in ("not-stored", "bad-key"):
                raise
            raise _no_sound() from error
    directory = with_sound(desk, found)
    with explained(desk.store, found.folder(desk.store)):
        return _separated(directory, found.made.id, found.made.attempt)


@lru_cache(maxsize=32)
def _separated(directory: Path, _job: str, _attempt: int) -> Lanes:
    return HeardLanes(Separation.open(directory))


@lru_cache(maxsize=32)
def _recorded(path: Path) -> Lanes:
    return Lanes(Recording.open(path))


def _no_sound() -> InputError:
    """The error where a recording is not kept any more."""
    return InputError(
        "the recording itself is not kept any more", reason="no-sound", hint="what was found in it is still shown"
    )
