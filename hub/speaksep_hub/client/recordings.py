"""Recordings: send one, hear what is in it, ask for its separation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import httpx

from speaksep_hub.client import downloads, uploads
from speaksep_hub.client.connection import Connection
from speaksep_hub.client.jobs import Jobs
from speaksep_hub.client.values import Job, JsonObject, Recording, id_of


class Recordings:
    """What you have sent."""

    def __init__(self, connection: Connection, jobs: Jobs) -> None:
        self._connection = connection
        self._jobs = jobs

    def upload(
        self,
        source: str | Path,
        *,
        name: str | None = None,
        progress: Callable[[int, int], None] | None = None,
        resume: str | None = None,
    ) -> Recording:
        """Send a recording. What you have sent before is not sent again.

        A long one goes in pieces, each with its checksum; if the connection breaks, it goes on with the first byte that
        did not arrive.

        Parameters
        ----------
        source
            The file.
        name
            What it is called there; the file's name by default.
        progress
            Is called with the bytes that have arrived, and all.
        resume
            Address of an upload that another process began: of ``UploadInterrupted``.

        Raises
        ------
        ServiceError
            It is no recording, or too long or large, or there is no room for it.
        UploadInterrupted
            The service stayed away; what has arrived is kept there for a while.
        OSError
            The file cannot be read.
        """
        return uploads.send(self._connection, Path(source), name=name, progress=progress, resume=resume)

    def upload_many(self, sources: Sequence[str | Path], *, at_once: int = 4) -> list[Recording]:
        """Send several, some at a time; the recordings in the order of the files."""
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self.upload, sources))

    def all(self) -> Iterator[Recording]:
        """Your recordings, newest first, page after page."""
        return self._connection.pages("/recordings")

    def get(self, recording: Recording | str) -> Recording:
        """What is known of a recording."""
        return cast(
            Recording, self._connection.call("GET", "/recordings/{recording}", {"recording": id_of(recording)}).json()
        )

    def delete(self, recording: Recording | str) -> None:
        """Remove it."""
        self._connection.call("DELETE", "/recordings/{recording}", {"recording": id_of(recording)})

    def audio(self, recording: Recording | str, target: str | Path) -> Path:
        """Get it back, byte for byte, into a file."""
        where = {"recording": id_of(recording)}
        return downloads.fetch(self._connection, Path(target), "/recordings/{recording}/audio", where)

    def diagnose(self, recording: Recording | str, **options: Any) -> JsonObject:
        """What is in it and what to do, once it has been listened to; options are ``speakers``, ``known``, …"""
        where = {"recording": id_of(recording)}
        answer = self._connection.call("POST", "/recordings/{recording}/diagnosis", where, body=options)
        if answer.status_code == httpx.codes.ACCEPTED:
            self._jobs.wait(cast(Job, answer.json()))
            # The same question once more: its answer is there now.
            answer = self._connection.call("POST", "/recordings/{recording}/diagnosis", where, body=options)
        return cast(JsonObject, answer.json())

    def diagnosis(self, recording: Recording | str) -> JsonObject:
        """What was found in it, last."""
        where = {"recording": id_of(recording)}
        return cast(JsonObject, self._connection.call("GET", "/recordings/{recording}/diagnosis", where).json())

    def plan(self, recording: Recording | str, **options: Any) -> JsonObject:
        """What would be done, why, and how long it would take. It needs a diagnosis."""
        where = {"recording": id_of(recording)}
        return cast(
            JsonObject, self._connection.call("POST", "/recordings/{recording}/plan", where, body=options).json()
        )

    def separate(self, recording: Recording | str, *, key: str | None = None, **options: Any) -> Job:
        """Proceed: ask for one track per speaker.

        Parameters
        ----------
        recording
            The recording, or its id.
        key
            Idempotency key.
        **options
            Those of the plan: ``speakers``, ``clean``, ``format``, …
        """
        where = {"recording": id_of(recording)}
        answer = self._connection.call("POST", "/recordings/{recording}/separations", where, body=options, key=key)
        return cast(Job, answer.json())
