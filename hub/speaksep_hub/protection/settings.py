"""What can be set about protection."""

from __future__ import annotations

from typing import Annotated

from pydantic import ByteSize, Field, StringConstraints

from speaksep_hub.section import Secret, Section

Rate = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}/(second|minute|hour|day)$")]
"""So many requests in so long: ``600/minute``. The time begins with the first of them."""


class ProtectionSettings(Section):
    """``[protection]``: how much anybody may ask for, and how long the service waits for them.

    Rates are per user, and one each for the groups of routes that docs/protection.md lists.
    """

    storage: Secret | None = Field(
        None,
        description="Where requests are counted: redis://host:6379/0 for several services; in memory, if left out.",
    )
    read: Rate = Field("1200/minute", description="Requests that change nothing.")
    write: Rate = Field("300/minute", description="Requests that change something and are in no other group.")
    upload: Rate = Field("1200/minute", description="Uploads and their pieces.")
    job: Rate = Field("240/minute", description="Requests that start work.")
    stream: Rate = Field("120/minute", description="Streams of progress that are opened.")
    token: Rate = Field("30/minute", description="Tokens made, exchanged and revoked.")
    guess: Rate = Field("30/minute", description="Wrong tokens from one address.")
    jobs_per_user: int = Field(1000, ge=1, description="Jobs of one user that wait or run.")
    streams_per_user: int = Field(20, ge=1, description="Streams of progress that one user has open at one process.")
    connections: int = Field(1000, ge=1, description="Open connections of one process; more are answered with 503.")
    body_bytes: ByteSize = Field(ByteSize(1024**2), description="Largest body of a request that is no upload.")
    header_s: float = Field(10.0, gt=0, description="Seconds in which the headers of a request must arrive.")
    body_idle_s: float = Field(20.0, gt=0, description="Seconds without a byte after which an upload is given up.")
    body_bytes_per_s: int = Field(
        1024, ge=1, description="Bytes a second that an upload must reach on average after its first half minute."
    )
    proxies: tuple[str, ...] | None = Field(
        None,
        description="Addresses whose X-Forwarded-For is believed; loopback behind a hub, if left out.",
    )
