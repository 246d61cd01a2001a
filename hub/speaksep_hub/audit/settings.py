"""What can be set about the audit trail."""

from __future__ import annotations

from pathlib import Path

from pydantic import ByteSize, Field

from speaksep_hub.section import Section

MEBIBYTE = 1024**2


class AuditSettings(Section):
    """``[audit]``: the trail of who did what."""

    folder: Path | None = Field(None, description="Where it is kept; audit in the folder of the hub, if left out.")
    file_bytes: ByteSize = Field(
        ByteSize(16 * MEBIBYTE),
        ge=4096,
        description="A file that would grow beyond this is closed and a new one begun.",
    )
    keep_files: int = Field(
        256,
        ge=2,
        description="Closed files that are kept; when one more is closed, the oldest is removed, which is noted.",
    )
    sync: bool = Field(
        True,
        description="Wait until each entry is on the disk, so that a power cut loses none; costs a millisecond or two.",
    )
