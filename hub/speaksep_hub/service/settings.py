"""``[service]``: the job service."""

from __future__ import annotations

from pathlib import Path

from pydantic import ByteSize, Field

from speaksep_hub.section import Secret, Section


class ServiceSettings(Section):
    """``[service]``: the job service."""

    jobs: Secret | None = Field(
        None,
        description="The job table: postgresql://… or sqlite:///…; SPEAKSEP_JOBS or a file in the folder, if left out.",
    )
    token_file: Path | None = Field(
        None, description="Tokens of a service that runs without a hub; tokens.toml in the folder, if left out."
    )
    signing: Path | None = Field(
        None,
        description="Folder of the keys that sign tokens and seal cookies, the same for all replicas; in the folder of "
        "the hub, if left out.",
    )
    voices: Path | None = Field(None, description="Folder of the voice books; in that of the hub, if left out.")
    token_life_s: int = Field(300, ge=10, le=900, description="Seconds a signed token lives at most.")
    key_days: float = Field(7, gt=0, description="Days until a new key signs.")
    answer_s: float = Field(
        3.5,
        ge=0,
        le=4,
        description="Seconds that what the hub said of a token is believed: so long a revoked one works.",
    )
    time_limit_s: float | None = Field(None, gt=0, description="Seconds an attempt of a job may take.")
    memory_limit_bytes: ByteSize | None = Field(None, description="Memory of a job's kernel with all its processes.")
