"""A desk with real results on it: what the service and its workers leave, made here by the same verbs at once."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile as sf

import speaksep_kernel as speaksep
from speaksep_dashboards.desk import Desk
from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.jobs.job import Job, JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.recording.inspection import Sound
from speaksep_kernel.results.measures import measured
from speaksep_kernel.store import keys
from speaksep_kernel.store.store import Store
from speaksep_kernel.testing import conversation

OWNER = "ada"
SECONDS = 14.0
JOBS = ("fast", "cleaned", "diagnosed", "silent", "failed", "waiting")


@dataclass(frozen=True)
class StoredResults:
    """A desk, and what is on it.

    Attributes
    ----------
    folder
        Where all of it lies: ``jobs.sqlite3`` and ``store``.
    fast, cleaned
        Separations of one recording of three people: one quick, one after cleaning (hum and noise were mixed in).
    diagnosed
        Its diagnosis.
    silent
        A separation of a recording in which nobody speaks.
    failed, waiting
        A job that failed, and one that nobody has begun.
    """

    folder: Path
    desk: Desk
    fast: Job
    cleaned: Job
    diagnosed: Job
    silent: Job
    failed: Job
    waiting: Job


def made_once(folder: Path) -> StoredResults:
    """What `make` makes, made by whichever process comes first."""
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = folder / "jobs.json"
        if not note.exists():
            folder.mkdir()
            results = make(folder)
            note.write_text(json.dumps({name: getattr(results, name).id for name in JOBS}), encoding="utf-8")
            results.desk.close()
    desk = desk_at(folder)
    ids: dict[str, str] = json.loads(note.read_bytes())
    return StoredResults(folder, desk, **{name: desk.jobs.get(ids[name]) for name in JOBS})


def desk_at(folder: Path) -> Desk:
    """A desk in a folder, new or there already."""
    database = folder / "jobs.sqlite3"
    return Desk(JobTable.open(database), Catalogue.open(database), Store.open(folder / "store"))


def make(folder: Path) -> StoredResults:
    """Separate and diagnose, and note it as jobs of `OWNER`."""
    desk = desk_at(folder)
    talk = conversation(SECONDS, speakers=3, overlap=0.3, seed=5, noise_dbfs=-38.0)
    meeting = _stored(desk, folder / "meeting.wav", talk.audio, talk.rate_hz)
    quiet = conversation(4.0, speakers=0, noise_dbfs=-60.0)
    empty = _stored(desk, folder / "empty room.wav", quiet.audio, quiet.rate_hz)
    source = {"source": desk.store.address(meeting)}

    def separate(key: str, **how: Any) -> Callable[[Path], object]:
        return lambda place: speaksep.separate(desk.store.local(key), place / "tracks", **how)

    def diagnose(place: Path) -> None:
        told = speaksep.diagnose(desk.store.local(meeting)).to_dict()
        (place / "diagnosis").mkdir()
        (place / "diagnosis" / "diagnosis.json").write_text(json.dumps(told), encoding="utf-8")

    fast = finished(desk, "separate", separate(meeting, quality="fast"), source | {"quality": "fast"}, "meeting.wav")
    cleaning = ("hum", "denoise")
    cleaned = finished(
        desk, "separate", separate(meeting, clean=cleaning), source | {"clean": "hum,denoise"}, "meeting.wav"
    )
    diagnosed = finished(desk, "diagnose", diagnose, source, "meeting.wav")
    nobody = {"source": desk.store.address(empty)}
    silent = finished(desk, "separate", separate(empty), nobody, "empty room.wav")
    failed = _begun(desk, "separate", {"source": "gone.wav"}, "gone.wav")
    error = {"error": f"no file at '{folder}/gone.wav'", "reason": "file-not-found", "hint": "look where it is"}
    failed = desk.jobs.fail(failed.id, failed.attempt, error, again=False)
    waiting = desk.jobs.submit(request(desk, "separate", source, "meeting.wav"))
    return StoredResults(folder, desk, fast, cleaned, diagnosed, silent, failed, waiting)


def request(desk: Desk, notebook: str, parameters: Mapping[str, Any], name: str, **more: Any) -> JobRequest:
    """What the service would ask for."""
    output = desk.store.address(keys.result(OWNER, f"made-{len(desk.jobs.jobs())}"))
    about = {"kind": notebook, "name": name} | more.pop("about", {})
    return JobRequest(notebook=notebook, parameters=parameters, output=output, owner=OWNER, about=about, **more)


def finished(
    desk: Desk, notebook: str, make: Callable[[Path], object], parameters: Mapping[str, Any], name: str, **more: Any
) -> Job:
    """A job that has succeeded: ``make`` writes its results into the folder it is given."""
    job = _begun(desk, notebook, parameters, name, **more)
    place = Path(job.output)
    place.mkdir(parents=True)
    make(place)
    result = {"directory": job.output, "files": {}, "cached": None, "device": "CPU", "measures": measured(place)}
    return desk.jobs.succeed(job.id, job.attempt, result)


def _begun(desk: Desk, notebook: str, parameters: Mapping[str, Any], name: str, **more: Any) -> Job:
    # Before all others, so that it is the one that is claimed.
    job = desk.jobs.submit(request(desk, notebook, parameters, name, priority=100, **more))
    claimed = desk.jobs.claim("a test", lease_s=600)
    assert claimed is not None
    assert claimed.id == job.id
    return claimed


def _stored(desk: Desk, path: Path, audio: Any, rate_hz: int) -> str:
    """Key of a recording that is kept."""
    sf.write(path, audio, rate_hz)
    size_bytes = path.stat().st_size
    with desk.store.incoming(path.name) as file:
        file.write(path.read_bytes())
        with desk.catalogue.claim(file.sha256) as claim:
            desk.store.keep(file)
            sound = Sound(seconds=len(audio) / rate_hz, rate_hz=rate_hz, channels=1, format="WAV")
            desk.catalogue.add(OWNER, path.name, claim, size_bytes, sound)
            return desk.store.name(file.sha256, path.name)
