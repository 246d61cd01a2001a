"""``[service]``: the job service."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ByteSize, Field, field_validator

from speaksep_hub.section import Secret, Section


class ServiceSettings(Section):
    """``[service]``: the job service."""

    jobs: Secret | None = Field(
        None,
        description="The job table: postgresql://… or sqlite:///…; SPEAKSEP_JOBS or a file in the folder, if left out.",
    )
    replicas: tuple[str, ...] = Field(
        (),
        description="Addresses of further processes of the job service, such as http://127.0.0.1:8020, which others "
        "start: the proxy shares requests among those that are ready.",
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

    @field_validator("replicas")
    @classmethod
    def _are_addresses(cls, replicas: tuple[str, ...]) -> tuple[str, ...]:
        for each in replicas:
            parts = urlsplit(each)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
                raise ValueError(f"{each!r} is not an address such as http://127.0.0.1:8020")
        return tuple(each.rstrip("/") for each in replicas)
