"""Results: tracks in any format, corrections, and all of it as a folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from speaksep_hub.client import downloads
from speaksep_hub.client.connection import Connection
from speaksep_hub.client.jobs import Jobs
from speaksep_hub.client.values import Job, JsonObject, id_of


class Results:
    """What came of a separation; named by its job."""

    def __init__(self, connection: Connection, jobs: Jobs) -> None:
        self._connection = connection
        self._jobs = jobs

    def get(self, job: Job | str, *, revision: int | None = None) -> JsonObject:
        """The manifest: speakers, diagnosis, plan, timings. The newest revision by default, 0 is the first."""
        where = {"job": id_of(job)}
        return cast(
            JsonObject, self._connection.call("GET", "/results/{job}", where, query={"revision": revision}).json()
        )

    def track(self, job: Job | str, label: str, target: str | Path, *, format: str = "flac") -> Path:
        """One track into a file.

        Parameters
        ----------
        job
            The separation's job.
        label
            Of the speaker, as in the manifest, or ``residual``.
        target
            The file.
        format
            ``flac``, ``wav``, ``mp3``, ``m4a``, ``ogg`` or ``opus``.
        """
        where, query = {"job": id_of(job), "label": label}, {"format": format}
        return downloads.fetch(self._connection, Path(target), "/results/{job}/tracks/{label}", where, query)

    def export(self, job: Job | str, format: str, target: str | Path) -> Path:
        """Who speaks when, for another tool (docs/exchange.md), into a file."""
        where = {"job": id_of(job), "format": format}
        return downloads.fetch(self._connection, Path(target), "/results/{job}/exports/{format}", where)

    def files(self, job: Job | str) -> Iterator[JsonObject]:
        """Names and sizes of the files of any finished job."""
        return self._connection.pages("/results/{job}/files", {"job": id_of(job)})

    def file(self, job: Job | str, name: str, target: str | Path) -> Path:
        """One of them into a file, e.g. ``turns.rttm``."""
        where = {"job": id_of(job), "name": name}
        return downloads.fetch(self._connection, Path(target), "/results/{job}/files/{name}", where)

    def download(self, job: Job | str, folder: str | Path, *, format: str = "flac") -> Path:
        """All of it into a new folder, once the job has succeeded: there whole, or not at all.

        Returns
        -------
        The folder: a track per speaker, ``residual``, ``turns.rttm``, ``manifest.json``.

        Raises
        ------
        FileExistsError
            There is something of that name.
        ServiceError
            The job failed, or the service refused.
        """
        folder = Path(folder)
        if folder.exists():
            raise FileExistsError(f"{folder} exists; give another folder")
        done = self._jobs.wait(job)
        labels = [speaker["label"] for speaker in self.get(done)["speakers"]]
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            for label in (*labels, "residual"):
                self.track(done, label, scratch / f"{label}.{format}", format=format)
            for name in ("turns.rttm", "manifest.json"):
                self.file(done, name, scratch / name)
            scratch.chmod(0o755)
            scratch.rename(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return folder

    def edits(self, job: Job | str) -> JsonObject:
        """What was corrected by hand, in order, how many of it are in force, and what is under way."""
        return cast(JsonObject, self._connection.call("GET", "/results/{job}/edits", {"job": id_of(job)}).json())

    def edit(self, job: Job | str, *edits: Mapping[str, Any], key: str | None = None) -> Job:
        """Correct something, see docs/edits.md: a job that makes a new revision of the result."""
        body: dict[str, Sequence[Mapping[str, Any]]] = {"edits": [dict(each) for each in edits]}
        answer = self._connection.call("POST", "/results/{job}/edits", {"job": id_of(job)}, body=body, key=key)
        return cast(Job, answer.json())

    def undo(self, job: Job | str, *, count: int = 1) -> Job:
        """Take the last corrections back: a job that makes a new revision, too."""
        where, body = {"job": id_of(job)}, {"count": count}
        return cast(Job, self._connection.call("POST", "/results/{job}/edits/undo", where, body=body).json())

    def redo(self, job: Job | str, *, count: int = 1) -> Job:
        """Make corrections again that were taken back."""
        where, body = {"job": id_of(job)}, {"count": count}
        return cast(Job, self._connection.call("POST", "/results/{job}/edits/redo", where, body=body).json())

    def identify(self, job: Job | str) -> Job:
        """Compare its speakers with your voice book: a job that makes a new revision with their names."""
        return cast(Job, self._connection.call("POST", "/results/{job}/identify", {"job": id_of(job)}).json())
