"""``[backup]``: where backups go, and for how long."""

from __future__ import annotations

from pydantic import Field

from speaksep_hub.section import Secret, Section


class BackupSettings(Section):
    """``[backup]``: where backups go, and for how long."""

    to: str = Field("", description="A folder on another disk or s3://bucket/prefix.")
    key: Secret | None = Field(
        None,
        description="Backups are encrypted with it, any text of 12 characters or more; without it nobody opens them.",
    )
    keep_days: float = Field(30, gt=0, description="Days that a backup is kept; the newest stays in any case.")
    homes: bool = Field(False, description="Whether the homes of people in the folder of the hub are in it, too.")
