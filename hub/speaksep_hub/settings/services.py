"""What recordings and results take, and the dashboards. What other rooms can be told is set in theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ByteSize, Field

from speaksep_hub.section import Section


class StoreSettings(Section):
    """``[store]``: where recordings and results are, and how much of them."""

    url: str = Field("", description="A folder or s3://bucket/prefix; store in the folder of the hub, if left out.")
    upload_bytes: ByteSize = Field(ByteSize(4 * 1024**3), description="Largest recording.")
    upload_hours: float = Field(24, gt=0, description="Hours that an upload in pieces may stand still.")
    recording_hours: float = Field(6, gt=0, description="Longest recording.")
    decoded_bytes: ByteSize = Field(
        ByteSize(32 * 1024**3),
        description="Most samples of a recording, as 32-bit floats: a small file may promise much.",
    )
    quota_bytes: ByteSize = Field(
        ByteSize(100 * 1024**3), description="Most that one user may keep, recordings and results; 0 is no limit."
    )
    quota_recordings: int = Field(10_000, ge=1, description="Most recordings that one user may keep.")
    recordings_days: float = Field(
        0, ge=0, description="Days until a recording is removed; 0: when its owner removes it."
    )
    results_days: float = Field(0, ge=0, description="Days until a finished job and its results are removed; 0: never.")
    presigned: bool = Field(True, description="Whether downloads are sent to the store itself, where it can do that.")


class DashboardSettings(Section):
    """``[dashboards]``: pages of results for whoever they are shared with, and what explores them further."""

    enabled: bool = Field(True, description="Whether there are any.")
    url: str = Field(
        "", description="Where people find them, for a job service that is alone; below hub.url, if left out."
    )
    links: Literal["signed-in", "anyone"] = Field(
        "signed-in",
        description="Who may follow a link to a share: people who sign in and have dashboards:view, or anyone who has "
        "the link.",
    )
    interactive: tuple[Literal["voila", "panel"], ...] = Field(
        ("voila", "panel"), description="What pages can be explored in, with a kernel or a session behind them."
    )
    folder: Path | None = Field(None, description="Where Voila's notebooks are; those of the package, if left out.")
