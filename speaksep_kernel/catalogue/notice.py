"""What ended, and what somebody is told of it: the values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

WAITING, SENT, FAILED, DROPPED = "waiting", "sent", "failed", "dropped"
"""States of a notice: dropped ones were for an address that is no longer wanted."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A job that ended, or a batch whose last job did.

    Attributes
    ----------
    owner
        Whose.
    about
        What ended, and which time: a job that is tried again may end again.
    kind
        Which of the two; ``test``: nothing ended, somebody tries their addresses.
    id
        Of the job or batch.
    notebook, name
        What was done, and to what: name of the recording or of the batch, empty where there is none.
    counts
        Jobs by state; of a job, one.
    seconds
        From when it was asked for until its end.
    reason
        Why the job failed, as one word; empty if it did not.
    """

    owner: str
    about: str
    kind: Literal["job", "batch", "test"]
    id: str
    notebook: str
    name: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether anything of it failed."""
        return self.counts.get("failed", 0) > 0


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something that somebody is to be told, at one address.

    Attributes
    ----------
    number
        Rises with every notice.
    owner, address
        Who, and which of their addresses.
    ended
        Of what.
    state
        ``waiting``, ``sent``, ``failed`` or ``dropped``.
    tries
        How often it was sent, or tried to be.
    made_at, due_at, told_at
        Seconds since 1970 (UTC): when it was made, is to be sent at the earliest, and arrived.
    error
        Why it did not arrive the last time; empty if it did.
    """

    number: int
    owner: str
    address: str
    ended: Ended
    state: str
    tries: int
    made_at: float
    due_at: float
    told_at: float | None
    error: str


Wishes = dict[str, Any]
"""What somebody wants to be told of, as whoever sends it wrote that down."""
