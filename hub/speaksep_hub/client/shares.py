"""Shares: others look at your results, by name, by group or by a link."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from speaksep_hub.client.connection import Connection
from speaksep_hub.client.values import Batch, Job, JsonObject, Share, id_of


class Shares:
    """What you let others see."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def recording(self, job: Job | str, **terms: Any) -> Share:
        """Share what was found in one recording.

        Parameters
        ----------
        job
            A separation or a diagnosis.
        terms
            As of :meth:`create`.
        """
        return self.create("recording", {"job": id_of(job)}, **terms)

    def collection(self, jobs: Sequence[Job | str] | None = None, **terms: Any) -> Share:
        """Share many recordings at once: these, or all that there ever are; terms as of :meth:`create`."""
        what = {"all": True} if jobs is None else {"jobs": [id_of(job) for job in jobs]}
        return self.create("collection", what, **terms)

    def batch(self, batch: Batch | str, **terms: Any) -> Share:
        """Share how a batch goes on; terms as of :meth:`create`."""
        return self.create("batch", {"batch": id_of(batch)}, **terms)

    def compare(self, a: Job | str, b: Job | str, *, truth: Sequence[str] = (), **terms: Any) -> Share:
        """Have people compare two separations, without knowing which is which.

        Parameters
        ----------
        a, b
            Separations of the same recording.
        truth
            Ids of recordings of each speaker alone, if there are any.
        terms
            As of :meth:`create`.
        """
        known = {"truth": list(truth)} if truth else {}
        return self.create("compare", {"a": id_of(a), "b": id_of(b), **known}, **terms)

    def create(
        self,
        kind: str,
        what: Mapping[str, Any],
        *,
        title: str = "",
        users: Sequence[str] = (),
        groups: Sequence[str] = (),
        download: bool = False,
        expires_s: int | None = None,
        key: str | None = None,
    ) -> Share:
        """Let others see something.

        Parameters
        ----------
        kind, what
            ``recording``, ``collection``, ``batch`` or ``compare``, and of which jobs.
        title
            What you call it; they see it.
        users, groups
            Who may see it.
        download
            Whether they may save its files.
        expires_s
            For how many seconds; until you revoke it, if ``None``.
        key
            Idempotency key.
        """
        body = {
            "kind": kind, "what": dict(what), "title": title, "users": list(users), "groups": list(groups),
            "download": download, "expires_in": expires_s,
        }  # fmt: skip
        return cast(Share, self._connection.call("POST", "/shares", body=body, key=key).json())

    def all(self) -> Iterator[Share]:
        """Yours, the newest first, page after page; those that are over, too."""
        return self._connection.pages("/shares")

    def get(self, share: Share | str) -> Share:
        """How it stands."""
        return cast(Share, self._connection.call("GET", "/shares/{id}", {"id": id_of(share)}).json())

    def change(self, share: Share | str, **changes: Any) -> Share:
        """Change ``title``, ``users``, ``groups``, ``download`` or ``expires_in`` (seconds from now, or None)."""
        return cast(Share, self._connection.call("PATCH", "/shares/{id}", {"id": id_of(share)}, body=changes).json())

    def revoke(self, share: Share | str) -> Share:
        """End it, with all its links."""
        return cast(Share, self._connection.call("DELETE", "/shares/{id}", {"id": id_of(share)}).json())

    def links(self, share: Share | str) -> list[JsonObject]:
        """Links to it; never what they read."""
        return list(self._connection.pages("/shares/{id}/links", {"id": id_of(share)}))

    def make_link(self, share: Share | str, *, expires_s: int = 30 * 86400, note: str = "") -> JsonObject:
        """A link, whose ``url`` is told this once.

        Parameters
        ----------
        share
            Where it leads.
        expires_s
            For how many seconds it works.
        note
            For whom it is; only you see this.
        """
        body = {"expires_in": expires_s, "note": note}
        answer = self._connection.call("POST", "/shares/{id}/links", {"id": id_of(share)}, body=body)
        return cast(JsonObject, answer.json())

    def revoke_link(self, share: Share | str, link: str) -> None:
        """End a link, by its id."""
        self._connection.call("DELETE", "/shares/{id}/links/{link}", {"id": id_of(share), "link": link})

    def votes(self, share: Share | str) -> str:
        """What people chose, as CSV: one line per vote that counts."""
        return self._connection.call("GET", "/shares/{id}/votes.csv", {"id": id_of(share)}).text

    def comments(self, share: Share | str) -> list[JsonObject]:
        """What people wrote, the oldest first."""
        return list(self._connection.pages("/shares/{id}/comments", {"id": id_of(share)}))

    def remove_comment(self, share: Share | str, comment: int) -> None:
        """Take a comment away, by its id."""
        parts = {"id": id_of(share), "comment": str(comment)}
        self._connection.call("DELETE", "/shares/{id}/comments/{comment}", parts)
