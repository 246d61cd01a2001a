"""How servers of users are started, and how large they may be."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ByteSize, Field, model_validator

from speaksep_hub.section import Section


class Profile(Section):
    """``[[spawner.profiles]]``: a size of server that people choose from."""

    name: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$", description="Short name.")
    title: str = Field("", description="What people read.")
    device: Literal["cpu", "gpu"] = Field("cpu", description="Whether its kernels may use a GPU.")
    memory_bytes: ByteSize = Field(ByteSize(4 * 1024**3), ge=256 * 1024**2, description="Most memory, such as “8 GiB”.")
    cores: float = Field(2, gt=0, description="Most processor cores.")
    gpus: int = Field(0, ge=0, description="GPUs of its own (docker, kubernetes, slurm); 0 where kernels share them.")
    image: str = Field("", description="Container image, if not that of all (docker, kubernetes).")
    groups: tuple[str, ...] = Field(
        (), description="Groups that may choose it; everybody who may have a server, if empty."
    )
    node_selector: dict[str, str] = Field(default_factory=dict, description="Labels of its nodes (kubernetes).")
    partition: str = Field("", description="Partition of the cluster (slurm).")
    run_time_s: int = Field(8 * 3600, ge=60, description="Seconds until the cluster ends it (slurm).")
    environment: dict[str, str] = Field(default_factory=dict, description="Variables of its environment.")

    @model_validator(mode="after")
    def _gpus_are_for_gpu(self) -> Profile:
        if self.gpus and self.device == "cpu":
            raise ValueError(f"profile {self.name!r} has gpus = {self.gpus} and device = 'cpu'")
        return self

    @property
    def shown(self) -> str:
        """What people read."""
        gpus = {0: "shared GPU", 1: "1 GPU"}.get(self.gpus, f"{self.gpus} GPUs") if self.device == "gpu" else "no GPU"
        size = f"{self.memory_bytes / 1024**3:g} GiB, {self.cores:g} cores, {gpus}"
        return f"{self.title or self.name} ({size})"


class SpawnerSettings(Section):
    """``[spawner]``: what starts servers of users."""

    kind: Literal["simple", "local", "systemd", "docker", "kubernetes", "slurm"] = Field(
        "simple",
        description="simple: processes of the hub's account (one machine, people who trust each other); local: of "
        "each person's account; systemd, docker, kubernetes, slurm: with limits that hold.",
    )
    profiles: tuple[Profile, ...] = Field(
        (Profile(name="cpu", title="Standard"),),
        min_length=1,
        description="Sizes to choose from; the first is the usual one.",
    )
    start_timeout_s: int = Field(0, ge=0, description="Seconds to start; 0 is 300, or 600 in containers and clusters.")
    image: str = Field("speaksep/server:latest", description="Container image (docker, kubernetes).")
    network: str = Field("speaksep", description="Network of the containers (docker).")
    namespace: str = Field("", description="Namespace of the pods (kubernetes); the hub's own, if left out.")
    storage_bytes: ByteSize = Field(ByteSize(20 * 1024**3), description="Size of a home (kubernetes).")
    home: str = Field("", description="Home, with {username}; in the folder of the hub, if left out (simple).")
    environment: dict[str, str] = Field(default_factory=dict, description="Variables of all servers.")
    options: dict[str, Any] = Field(default_factory=dict, description="Further traits of the spawner, by their names.")

    @model_validator(mode="after")
    def _names_differ(self) -> SpawnerSettings:
        names = [profile.name for profile in self.profiles]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two profiles are called {sorted(twice)[0]!r}")
        return self

    @property
    def timeout_s(self) -> int:
        """Seconds a server may take to start."""
        return self.start_timeout_s or (600 if self.kind in {"docker", "kubernetes", "slurm"} else 300)
