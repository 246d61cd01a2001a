"""One recording as a page: what is wrong with it, who spoke when, and what each of them sounds like."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from speaksep_dashboards.comments import Commented
from speaksep_dashboards.desk import Desk
from speaksep_dashboards.page import MOST_BYTES, Answer, Reader, iso
from speaksep_dashboards.places import told as without_places
from speaksep_dashboards.recording import told
from speaksep_dashboards.recording.sound import CLEANED, lanes_of
from speaksep_dashboards.stored import Stored, diagnosis_of, separation_of, stored
from speaksep_kernel.catalogue.share import Share
from speaksep_kernel.catalogue.subjects import DIAGNOSES
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.jobs.attempt import PROVENANCE
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.pictures.peaks import Peaks
from speaksep_kernel.recording.stretch import SLOWEST
from speaksep_kernel.results.directory import INTERNAL, MANIFEST
from speaksep_kernel.results.values import Separation
from speaksep_kernel.results.write import MIXTURE, PEAKS, RESIDUAL

PIXELS = 1024
"""Columns of a lane at a glance: one piece of `widgets/parts/waveform.js`."""

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Size = Annotated[int, Field(ge=1, le=4096)]
Pieces = Annotated[list[tuple[str, float, float]], Field(max_length=256)]
Names = Annotated[list[str], Field(min_length=1, max_length=64)]


class RecordingPage(Commented):
    """See `speaksep_dashboards.page`. ``share.what`` is ``{"job": id}`` of a separation or a diagnosis.

    Questions: "peaks", "tile" and "sound" as of `speaksep_widgets.recording_view.LaneWidget`.

    Raises
    ------
    InputError
        Reasons ``gone-result``, ``half-written`` and ``newer-version``.
    """

    kind: ClassVar[str] = "recording"
    reads: ClassVar[frozenset[str]] = frozenset({"peaks", "tile", "sound"})

    def __init__(self, share: Share, reader: Reader, desk: Desk) -> None:
        super().__init__(share, reader, desk)
        _ = self.separation, self.diagnosis  # what cannot be shown is told now

    @property
    def found(self) -> Stored:
        """The job, and what came of it up to now."""
        return stored(self.desk, self.share.owner, str(self.share.what["job"]))

    @property
    def separation(self) -> Separation | None:
        """The newest revision; ``None`` for a diagnosis, and before there is any."""
        found = self.found
        return None if found.made is None or found.job.notebook == DIAGNOSES else separation_of(self.desk, found)

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What was found in the recording; ``None`` before there is any."""
        found = self.found
        if found.made is None:
            return None
        if found.job.notebook == DIAGNOSES:
            return diagnosis_of(self.desk, found)
        return separation_of(self.desk, found).diagnosis

    def state(self) -> Any:
        """The job, its corrections, the comments."""
        found = self.found
        return [_standing(found.job), _standing(found.made), _standing(found.pending), self.said()]

    def shown(self) -> dict[str, Any]:
        """What ``recording/view.js`` draws, see docs/dashboards.md."""
        found = self.found
        job = found.job
        standing: dict[str, Any] = {"id": job.id, "state": str(job.state), "notebook": job.notebook}
        standing |= {"fraction": round(job.fraction, 3), "stage": job.stage, "attempt": job.attempt}
        if job.error and found.made is None:
            standing["error"] = without_places(
                {name: job.error.get(name) or "" for name in ("error", "reason", "hint")}
            )
        changed = found.pending and {"fraction": found.pending.fraction, "stage": found.pending.stage}
        head: dict[str, Any] = {
            "job": standing,
            "pending": changed,
            "comments": self.comments(),
            "files": self._listed(),
        }
        diagnosis, separation = self.diagnosis, self.separation
        if diagnosis is None:
            return head | {"name": (job.about or {}).get("name")}
        head |= {"name": diagnosis.recording.name, "diagnosis": told.diagnosis(diagnosis)}
        head |= {"sound": f"{job.id}/{found.revision}/{found.made.attempt if found.made else 0}"}
        head |= {"finished_at": iso(found.made.finished_at if found.made else None), "revision": found.revision}
        if separation is None:
            return head | told.spoken(None, diagnosis.turns) | {"lanes": [MIXTURE], "snapshot": {}}
        snapshot = _snapshot(separation)
        cleaned = [CLEANED] if separation.manifest.cleaning else []
        lanes = [MIXTURE, *cleaned, *(track.label for track in separation.tracks), RESIDUAL]
        return {
            **head,
            **told.spoken(separation, separation.turns),
            "lanes": lanes,
            "snapshot": snapshot,
            "cleaning": told.cleaning(separation),
            "made": told.provenance(separation),
        }

    def files(self) -> dict[str, str]:
        """Tracks, residual, turns and picture; all that the result has but what says where it lies."""
        if not self.share.download:
            return {}
        found = self.found
        if found.made is None:
            return {}
        folder = found.folder(self.desk.store)
        names = self.desk.store.files(folder)
        return {name: f"{folder}/{name}" for name in names if _may_be_had(name)}

    def _listed(self) -> list[dict[str, Any]]:
        files = self.files()
        if not files:
            return []
        sizes = self.desk.store.files(self.found.folder(self.desk.store))
        return [{"name": name, "bytes": sizes[name]} for name in files]

    def _own_title(self) -> str:
        known = (self.found.job.about or {}).get("name")
        if known or self.diagnosis is None:
            return str(known or "Recording")
        return self.diagnosis.recording.name

    def answer_peaks(self, *, pieces: Pieces, pixels: Size) -> Answer:
        """Lowest and highest sample per pixel of each (lane, start_s, stop_s): (pixels, 2) int16 each."""
        lanes = lanes_of(self.desk, self.found)
        found = [lanes.peaks(*piece, pixels) for piece in pieces]
        return Answer({"done": [done for _, done in found]}, tuple(each.astype("<i2").tobytes() for each, _ in found))

    def answer_tile(
        self,
        *,
        lane: str,
        start_s: Seconds,
        stop_s: Seconds,
        columns: Size,
        rows: Size,
        scale: Literal["mel", "linear"],
    ) -> Answer:
        """A spectrogram tile: (rows, columns) uint8."""
        lanes = lanes_of(self.desk, self.found)
        return Answer({}, (lanes.tile(lane, start_s, stop_s, columns=columns, rows=rows, scale=scale).tobytes(),))

    def answer_sound(self, *, lanes: Names, start_s: Seconds, stop_s: Seconds, speed: float = 1.0) -> Answer:
        """The same stretch of some lanes, at a speed: (lanes, n) int16."""
        heard = lanes_of(self.desk, self.found)
        size = 2 * len(lanes) * heard.rate_hz * (stop_s - start_s) / max(speed, SLOWEST)
        if size > MOST_BYTES:
            raise InputError(f"{size:.0f} bytes of sound at once", reason="answer-too-large", hint="ask for less")
        sound = heard.sound(lanes, start_s, stop_s, speed)
        return Answer({}, (sound.astype("<i2").tobytes(),))


def _standing(job: Job | None) -> Any:
    return None if job is None else [job.id, str(job.state), job.attempt, round(job.fraction, 3), job.stage]


def _snapshot(separation: Separation) -> dict[str, str]:
    """Every lane whose peaks are stored: (1024, 2) int16 in base64."""
    found = {}
    place = separation.directory / INTERNAL / PEAKS
    for path in sorted(place.iterdir()) if place.is_dir() else ():
        with suppress(StoreError):  # an older result: measured when it is looked at
            peaks = Peaks.load(path)
            found[path.name] = b64encode(peaks.view(0, peaks.samples, PIXELS).astype("<i2").tobytes()).decode()
    return found


def _may_be_had(name: str) -> bool:
    return not any(part.startswith(".") for part in name.split("/")) and name not in (MANIFEST, PROVENANCE)
