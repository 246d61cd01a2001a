"""Your voice book: who is known by voice."""

from __future__ import annotations

from typing import Any, cast

from speaksep_hub.client.connection import Connection
from speaksep_hub.client.values import Job, JsonObject, Recording, id_of


class Voices:
    """Voices you have enrolled; nobody else's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[JsonObject]:
        """Who is known."""
        return list(self._connection.pages("/voices"))

    def enrol_track(self, name: str, job: Job | str, label: str, *, consent: bool, note: str = "") -> Job:
        """Know a speaker of a separation, once the job that this gives has succeeded.

        Parameters
        ----------
        name
            Who it is.
        job
            The separation's job.
        label
            Of the speaker, as in the manifest.
        consent
            Whether that person agreed to be known by voice; the service refuses it otherwise.
        note
            Whatever should be kept with it.
        """
        return self._enrol({"name": name, "job": id_of(job), "label": label, "consent": consent, "note": note})

    def enrol_recording(self, name: str, recording: Recording | str, *, consent: bool, note: str = "") -> Job:
        """Know the one person of a recording; parameters as of :meth:`enrol_track`."""
        return self._enrol({"name": name, "recording": id_of(recording), "consent": consent, "note": note})

    def rename(self, name: str, new_name: str) -> JsonObject:
        """Call somebody otherwise."""
        answer = self._connection.call("PATCH", "/voices/{name}", {"name": name}, body={"name": new_name})
        return cast(JsonObject, answer.json())

    def forget(self, name: str) -> None:
        """Know somebody no longer."""
        self._connection.call("DELETE", "/voices/{name}", {"name": name})

    def _enrol(self, body: dict[str, Any]) -> Job:
        return cast(Job, self._connection.call("POST", "/voices", body=body).json())
