"""``[notices]``: what people are told when their jobs end, and over what."""

from __future__ import annotations

from pydantic import Field

from speaksep_hub.section import Secret, Section


class NoticeSettings(Section):
    """``[notices]``: people are told when their jobs and batches end."""

    enabled: bool = Field(True, description="Whether anybody is told anything.")
    mail: Secret | None = Field(
        None,
        description="Mail server, as Apprise writes it: mailtos://user:password@smtp.example.org:587?from=speaksep@"
        "example.org; no e-mail, if left out.",
    )
    mail_domains: tuple[str, ...] = Field(
        (), description="What e-mail addresses of people end with, such as example.org; anything, if left out."
    )
    services: tuple[str, ...] = Field(
        ("slack", "discord", "tgram", "jsons", "ntfys", "gotifys", "mmosts"),
        description="Services of Apprise that people may name addresses of.",
    )
    hosts: tuple[str, ...] = Field(
        (),
        description="Hosts that notices may be sent to, host or host:port, by services that anybody can run (all but "
        "slack, discord and tgram). None, if left out: an address could lead to what only this machine reaches.",
    )
    key: Secret | None = Field(
        None,
        description="Seals the addresses of people in the database, the same for all replicas; made and kept in the "
        "folder of the hub, if left out.",
    )
    gather_s: float = Field(
        10, ge=0, le=3600, description="Seconds that a notice waits for others, to come in one message."
    )
    keep_days: float = Field(30, gt=0, description="Days until notices that were sent are forgotten.")
