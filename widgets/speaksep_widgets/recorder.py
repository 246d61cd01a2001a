"""The microphone, into a file of the workspace."""

from __future__ import annotations

import os
import wave
from collections.abc import Callable, Sequence
from datetime import datetime
from io import BufferedWriter
from pathlib import Path

import traitlets

from speaksep_kernel.errors import CapacityError, InputError, StoreError
from speaksep_kernel.recording import Limits
from speaksep_widgets.base import Answer, SpeakSepWidget
from speaksep_widgets.esm import css, esm

PARTS = ("ask", "view", "keys")
BYTES = 2
"""Bytes of a sample."""
MOST_BYTES = 2**32 - 2**20
"""What the header of a WAV file can say."""


class Recorder(SpeakSepWidget):
    """Records the microphone as it is, without the browser's own noise suppression and level control.

    The sound goes to a WAV file piece by piece, one a second. The file is whole at any time: if the page is closed or
    the kernel dies, what was said until then is there.

    Parameters
    ----------
    folder
        Where to; made if it does not exist.
    recorded
        Told the path of every recording that is done.
    limits
        Bounds on seconds and rate.

    Attributes
    ----------
    state
        "ready", "recording" or "failed".
    seconds
        How much of the latest recording is on the disk.
    files
        What was recorded, as paths.

    Examples
    --------
    >>> recorder = Recorder("recordings", print)  # doctest: +SKIP
    >>> recorder.start()  # doctest: +SKIP
    """

    _esm = esm("recorder", *PARTS)
    _css = css("theme")

    state = traitlets.Unicode("ready").tag(sync=True)
    seconds = traitlets.Float(0.0, read_only=True).tag(sync=True)
    files = traitlets.List(traitlets.Unicode(), read_only=True).tag(sync=True)

    def __init__(
        self,
        folder: str | os.PathLike[str] = "recordings",
        recorded: Callable[[Path], object] | None = None,
        limits: Limits | None = None,
    ) -> None:
        super().__init__()
        self.folder = Path(folder).resolve()
        self._recorded = recorded
        self._limits = limits or Limits()
        self._file: wave.Wave_write | None = None
        self._stream: BufferedWriter | None = None
        self._path = self.folder
        self._pieces = 0

    def start(self) -> None:
        """Record, as the button does; the browser asks whether it may."""
        self.send({"do": "start"})

    def stop(self) -> None:
        """End the recording, as the button does."""
        self.send({"do": "stop"})

    def answer_begin(self, *, rate_hz: int) -> Answer:
        """Make the file. One that a closed page left is done now."""
        self._close()
        if not self._limits.min_rate_hz <= rate_hz <= self._limits.max_rate_hz:
            raise CapacityError(
                f"the microphone gives {rate_hz} Hz",
                reason="rate-out-of-range",
                hint=f"set it to {self._limits.min_rate_hz} to {self._limits.max_rate_hz} Hz",
            )
        self._path = self.folder / f"recording-{datetime.now():%Y%m%d-%H%M%S-%f}.wav"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._stream = self._path.open("xb")
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        self._file = wave.Wave_write(self._stream)
        self._file.setparams((1, BYTES, int(rate_hz), 0, "NONE", ""))
        self._pieces = 0
        self.set_trait("seconds", 0.0)
        return {"name": self._path.name}, []

    def answer_piece(self, *, number: int, buffers: Sequence[bytes | memoryview] = ()) -> Answer:
        """Append (n,) int16; pieces count from 0, and one that comes twice is taken once."""
        file, stream = self._file, self._stream
        if file is None or stream is None or number > self._pieces:
            raise InputError(
                f"piece {number} of a recording whose piece {self._pieces} never came",
                reason="piece-lost",
                hint="the kernel was started again: what came before is kept; record again",
            )
        if number == self._pieces:
            try:
                file.writeframes(b"".join(buffers))  # and the header says so
                stream.flush()
            except OSError as error:
                raise _unwritable(self._path, error) from error
            self._pieces += 1
            self.set_trait("seconds", file.getnframes() / file.getframerate())
        most_s = min(self._limits.max_seconds, MOST_BYTES / BYTES / file.getframerate())
        if self.seconds > most_s:
            raise CapacityError(
                f"{self.seconds:.0f} s are more than the limit of {most_s:.0f} s",
                reason="too-long",
                hint="go on in a new recording",
            )
        return {"seconds": self.seconds}, []

    def answer_end(self) -> Answer:
        """The recording is done."""
        path, seconds = self._path, self.seconds
        if not self._close():
            raise InputError(
                "nothing was recorded", reason="empty-audio", hint="wait until the level moves before you stop"
            )
        if self._recorded is not None:
            self._recorded(path)
        return {"name": path.name, "seconds": seconds}, []

    def _close(self) -> bool:
        """Close the file that is open; whether there is sound in it. An empty one is not kept."""
        file, stream = self._file, self._stream
        self._file = self._stream = None
        if file is None or stream is None:
            return False
        frames = file.getnframes()
        file.close()
        stream.close()  # wave leaves open what it did not open
        if not frames:
            self._path.unlink(missing_ok=True)
            return False
        self.set_trait("files", [*self.files, str(self._path)])
        return True


def _unwritable(place: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{str(place)!r} cannot be written ({error.strerror})",
        reason="unwritable",
        hint="free some space, or give another folder",
    )
