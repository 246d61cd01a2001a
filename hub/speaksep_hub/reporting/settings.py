"""``[reporting]``: where faults of the platform are reported to."""

from __future__ import annotations

from pydantic import Field

from speaksep_hub.section import Secret, Section


class ReportingSettings(Section):
    """``[reporting]``: faults of the platform itself are reported to a Sentry."""

    dsn: Secret | None = Field(
        None, description="Address of a Sentry project, its DSN; nothing is reported, if left out."
    )
    environment: str = Field("production", description="What that Sentry calls this platform.", max_length=64)
