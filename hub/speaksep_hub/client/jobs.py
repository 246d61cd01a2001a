"""Jobs: ask for one, follow it, stop it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from speaksep_hub.client.connection import Connection
from speaksep_hub.client.errors import ServiceError
from speaksep_hub.client.streams import follow
from speaksep_hub.client.values import Event, Job, id_of


class Jobs:
    """What was asked for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def submit(self, notebook: str, parameters: Mapping[str, Any], *, key: str | None = None) -> Job:
        """Ask for a registered notebook to be run.

        Parameters
        ----------
        notebook
            Its name, see :class:`~speaksep_hub.client.notebooks.Notebooks`.
        parameters
            Its parameters; where it wants a recording, give the recording's id.
        key
            Idempotency key: a second request with it is the first one's job, also from another program.
        """
        body = {"notebook": notebook, "parameters": dict(parameters)}
        return cast(Job, self._connection.call("POST", "/jobs", body=body, key=key).json())

    def all(self, *, state: str | None = None, batch: str | None = None) -> Iterator[Job]:
        """Your jobs, newest first, page after page."""
        return self._connection.pages("/jobs", state=state, batch=batch)

    def get(self, job: Job | str) -> Job:
        """Where a job stands."""
        return cast(Job, self._connection.call("GET", "/jobs/{id}", {"id": id_of(job)}).json())

    def cancel(self, job: Job | str) -> Job:
        """Stop it; what its notebook has so far is kept."""
        return cast(Job, self._connection.call("POST", "/jobs/{id}/cancel", {"id": id_of(job)}).json())

    def retry(self, job: Job | str) -> Job:
        """Run a failed or cancelled one again."""
        return cast(Job, self._connection.call("POST", "/jobs/{id}/retry", {"id": id_of(job)}).json())

    def events(self, job: Job | str, *, after: int = 0) -> Iterator[Event]:
        """What happens to a job, as it happens, until it is finished.

        A connection that breaks is made anew, and goes on where it was: no event is missed, and none comes twice.

        Parameters
        ----------
        job
            The job, or its id.
        after
            Only what happened after the event of this ``seq``.
        """
        return follow(self._connection, "/jobs/{id}/events", {"id": id_of(job)}, after=after)

    def all_events(self, *, after: int | None = None) -> Iterator[Event]:
        """What happens to any of your jobs, from now on or after an event, without an end."""
        begin = self._connection.call("GET", "/jobs", query={"limit": 1}).json()["seq"] if after is None else after
        return follow(self._connection, "/events", after=begin)

    def wait(self, job: Job | str) -> Job:
        """A job once it has succeeded.

        Raises
        ------
        ServiceError
            It failed or was cancelled: with the reason of the job's own error, or ``job-cancelled``.
        """
        for _ in self.events(job):
            pass
        done = self.get(job)
        if done["state"] != "succeeded":
            why = done["error"] or {}
            raise ServiceError(
                str(why.get("error") or f"job {done['id']} was {done['state']}"),
                reason=str(why.get("reason") or f"job-{done['state']}"),
                hint=str(why.get("hint") or ""),
            )
        return done

    def report(self, job: Job | str) -> str:
        """The executed notebook as a page of HTML, also of one that failed as far as it came."""
        return self._connection.call("GET", "/jobs/{id}/report", {"id": id_of(job)}).text
