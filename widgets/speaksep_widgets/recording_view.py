"""See and hear a recording: waveform and spectrogram at any zoom, with what the diagnosis found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import traitlets

from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.recording import Recording, Source
from speaksep_kernel.results.values import Separation
from speaksep_kernel.results.write import MIXTURE
from speaksep_widgets.base import Answer, SpeakSepWidget
from speaksep_widgets.esm import css, esm
from speaksep_widgets.lanes import Lanes
from speaksep_widgets.last_picture import Spans, picture_of_lanes
from speaksep_widgets.soundfiles import sound_files

SNAPSHOT_PIXELS = 1024
"""As in `parts/waveform.js`: one piece of peaks."""
PARTS = ("ask", "view", "waveform", "spectrogram", "soundfiles", "transport", "keys", "sight", "keepup")


class LaneWidget(SpeakSepWidget):
    """A widget that shows lanes along time: what is on the screen, what is selected, where the playhead is.

    Attributes
    ----------
    view_s
        (start, stop) on the screen.
    selection_s
        (start, stop) selected, or ``None``.
    playhead_s
        Where playing starts; where it was paused.
    auto_gain
        Whether waveforms are drawn so high that the loudest sound on the screen fills its lane.
    sound_files
        Where the page can read lanes past the kernel, see `speaksep_widgets.soundfiles`.
    snapshot
        The whole of every lane at a glance: (lanes, 1024, 2) int16.
    """

    name = traitlets.Unicode(read_only=True).tag(sync=True)
    seconds = traitlets.Float(read_only=True).tag(sync=True)
    rate_hz = traitlets.Int(read_only=True).tag(sync=True)
    lanes = traitlets.List(traitlets.Unicode(), read_only=True).tag(sync=True)
    view_s = traitlets.List(traitlets.Float(), minlen=0, maxlen=2).tag(sync=True)
    selection_s = traitlets.List(traitlets.Float(), minlen=2, maxlen=2, allow_none=True, default_value=None).tag(
        sync=True
    )
    playhead_s = traitlets.Float(0.0).tag(sync=True)
    auto_gain = traitlets.Bool(False).tag(sync=True)
    sound_files = traitlets.Dict(read_only=True).tag(sync=True)
    snapshot = traitlets.Bytes(read_only=True).tag(sync=True)

    def _show_lanes(self, lanes: Lanes, name: str) -> None:
        self._lanes = lanes
        self.set_trait("name", name)
        self.set_trait("seconds", lanes.seconds)
        self.set_trait("rate_hz", lanes.rate_hz)
        self.set_trait("lanes", list(lanes.names))
        self.set_trait("sound_files", sound_files(lanes.files))
        self._take_snapshot()

    def _take_snapshot(self) -> None:
        """The whole of every lane: seen at once, and what a closed or restarted kernel leaves on the page."""
        peaks = [self._lanes.peaks(lane, 0, self.seconds, SNAPSHOT_PIXELS) for lane in self._lanes.names]
        self._measuring = {lane for lane, (_, done) in zip(self._lanes.names, peaks, strict=True) if done < 1}
        self.set_trait("snapshot", b"".join(values.astype("<i2").tobytes() for values, _ in peaks))

    def _last_name(self) -> str:
        return f"{type(self).__name__}, {self.name}"

    def _picture(
        self, titles: Mapping[str, str], colours: Mapping[str, str] = {}, spans: Mapping[str, Spans] = {}
    ) -> str:
        peaks = np.frombuffer(self.snapshot, "<i2").reshape(len(self.lanes), SNAPSHOT_PIXELS, 2)
        peaks = peaks[[self.lanes.index(lane) for lane in titles]]
        return picture_of_lanes(titles, peaks, colours, spans, self.seconds)

    def play(self, start_s: float | None = None) -> None:
        """Play, from ``start_s`` or where the playhead is; browsers want a click on the page before the first sound."""
        self.send({"do": "play"} | ({} if start_s is None else {"start_s": start_s}))

    def pause(self) -> None:
        """Stop playing."""
        self.send({"do": "pause"})

    def answer_peaks(self, *, pieces: Sequence[tuple[str, float, float]], pixels: int) -> Answer:
        """Lowest and highest sample per pixel of each (lane, start_s, stop_s): (pixels, 2) int16 each."""
        found = [self._lanes.peaks(*piece, pixels) for piece in pieces]
        if any(done == 1.0 and lane in self._measuring for (lane, *_), (_, done) in zip(pieces, found, strict=True)):
            self._take_snapshot()
            self._leave_picture()
        return {"done": [done for _, done in found]}, [values.astype("<i2").tobytes() for values, _ in found]

    def answer_tile(self, *, lane: str, start_s: float, stop_s: float, columns: int, rows: int, scale: Any) -> Answer:
        """A spectrogram tile: (rows, columns) uint8."""
        return {}, [self._lanes.tile(lane, start_s, stop_s, columns=columns, rows=rows, scale=scale).tobytes()]

    def answer_sound(self, *, lanes: Sequence[str], start_s: float, stop_s: float, speed: float = 1.0) -> Answer:
        """The same stretch of some lanes, at a speed: (lanes, n) int16."""
        return {}, [self._lanes.sound(list(lanes), start_s, stop_s, speed).astype("<i2").tobytes()]


class RecordingView(LaneWidget):
    """Waveform, spectrogram and findings of a recording, with sound.

    Parameters
    ----------
    source
        Anything `speaksep_kernel.Recording.open` takes, a recording, or a separation, whose mixture is shown.
    diagnosis
        Its findings are marked; taken from a separation if ``None``.
    traits
        Initial values, e.g. ``height_px=300``.

    Attributes
    ----------
    findings
        What is marked: ``{"code", "severity", "why", "spans"}`` each.
    scale
        Spectrogram: ``"mel"``, ``"linear"`` or ``"off"``.
    gain
        Factor of the waveform's height.

    Raises
    ------
    InputError, CapacityError
        The recording cannot be used.
    """

    _esm = esm("recording_view", *PARTS)
    _css = css("theme")

    findings = traitlets.List(traitlets.Dict()).tag(sync=True)
    scale = traitlets.Enum(("mel", "linear", "off"), default_value="mel").tag(sync=True)
    gain = traitlets.Float(1.0).tag(sync=True)
    height_px = traitlets.Int(280).tag(sync=True)

    def __init__(
        self, source: Source | Recording | Separation, diagnosis: Diagnosis | None = None, **traits: Any
    ) -> None:
        super().__init__(**traits)
        if not isinstance(source, Recording | Separation):
            source = Recording.open(source)
        name = source.manifest.input.name if isinstance(source, Separation) else source.name
        self._show_lanes(Lanes(source), name)
        diagnosis = diagnosis or (source.diagnosis if isinstance(source, Separation) else None)
        if diagnosis is not None:
            self.show_findings(diagnosis)

    def show_findings(self, diagnosis: Diagnosis) -> None:
        """Mark what a diagnosis found."""
        self.findings = [
            {"code": f.code, "severity": f.severity, "why": f.why, "spans": [list(span) for span in f.spans[:500]]}
            for f in diagnosis.findings
        ]
        self._leave_picture()

    def _last_picture(self) -> str:
        found = "".join(f"<li>{escape(f['severity'])}: {escape(f['why'])}</li>" for f in self.findings)
        return f"{self._picture({MIXTURE: self.name})}<ul>{found}</ul>"
