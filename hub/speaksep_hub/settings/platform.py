"""Where the platform is, what it keeps and where its parts listen."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import Field, field_validator

from speaksep_hub.section import Secret, Section

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class HubSettings(Section):
    """``[hub]``: the hub itself."""

    url: str = Field("http://127.0.0.1:8000", description="What people type into their browsers.")
    listen: str = Field("", description="HOST:PORT the proxy listens on, if not that of url; :8443 is every address.")
    folder: Path = Field(
        default_factory=lambda: user_data_path("speaksep") / "hub",
        description="Where the hub keeps its files: database, secrets, homes, recordings, results, audit trail.",
    )
    database: Secret | None = Field(
        None, description="postgresql://user:password@host/name; an SQLite file in the folder, if left out."
    )
    services: Literal["hub", "elsewhere"] = Field(
        "hub",
        description="Who starts proxy and services: the hub, or others (speaksep hub up, systemd, Kubernetes).",
    )
    proxy: Literal["traefik", "elsewhere"] = Field(
        "traefik", description="What leads people to the hub: the traefik that comes with it, or what others set up."
    )
    service_host: str = Field(
        "127.0.0.1", description="Address of the services for the proxy, if others start them (hub.services)."
    )
    subdomains: bool = Field(
        False, description="Give each server of a user and each service a host name below that of url."
    )
    cookie_days: float = Field(7, gt=0, description="Days until people must sign in again.")
    token_days: float = Field(90, gt=0, description="Days an API token lives at most; none lives for ever.")
    concurrent_starts: int = Field(20, ge=1, description="Servers that start at once; the others wait in line.")
    servers: int = Field(0, ge=0, description="Servers that run at once, of all people; 0 is no limit.")
    named_servers: int = Field(0, ge=0, description="Further servers that a person may name and run.")
    hub_host: str = Field("127.0.0.1", description="Address of the hub for its proxy, services and servers of users.")
    bind_host: str = Field("", description="Address the hub itself listens on, if it differs from hub_host.")

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{url!r} is not an address such as https://speech.example.org")
        return url.rstrip("/")

    @property
    def host(self) -> str:
        """Host name of the address."""
        return urlsplit(self.url).hostname or ""

    @property
    def base_path(self) -> str:
        """Path of the address, with a slash at its end."""
        return urlsplit(self.url).path.rstrip("/") + "/"

    @property
    def https(self) -> bool:
        """Whether browsers come by TLS."""
        return self.url.startswith("https:")

    @property
    def port(self) -> int:
        """Port of the address."""
        return urlsplit(self.url).port or (443 if self.https else 80)

    @property
    def on_loopback(self) -> bool:
        """Whether nobody else's machine can reach it."""
        return self.host in LOOPBACK and self.listening[0] in LOOPBACK

    @property
    def listening(self) -> tuple[str, int]:
        """Host ("" is every address) and port the proxy listens on."""
        if self.listen:
            host, _, port = self.listen.rpartition(":")
            return host.strip("[]"), int(port)
        return self.host if self.host in LOOPBACK else "", self.port

    @field_validator("listen")
    @classmethod
    def _is_an_address(cls, listen: str) -> str:
        if listen and not listen.rpartition(":")[2].isdecimal():
            raise ValueError(f"{listen!r} is not HOST:PORT")
        return listen

    def kept(self, *names: str) -> Path:
        """A path in the folder of the hub."""
        return self.folder.expanduser().absolute().joinpath(*names)


class PortSettings(Section):
    """``[ports]``: ports on this machine that people do not see."""

    hub: int = Field(8081, ge=1, le=65535, description="The hub, for its proxy and services.")
    proxy: int = Field(8001, ge=1, le=65535, description="The proxy, for the hub.")
    service: int = Field(8010, ge=1, le=65535, description="The job service.")
    dashboards: int = Field(8011, ge=1, le=65535, description="The dashboards.")
    voila: int = Field(8012, ge=1, le=65535, description="Voila, for dashboards with a kernel.")
    panel: int = Field(8013, ge=1, le=65535, description="Panel, for dashboards with a session.")
    provider: int = Field(8002, ge=1, le=65535, description="The local sign-in provider.")
    worker: int = Field(8014, ge=1, le=65535, description="Metrics of the job worker, for Prometheus.")
    prometheus: int = Field(9090, ge=1, le=65535, description="Prometheus, if it is started beside.")
    alertmanager: int = Field(9093, ge=1, le=65535, description="Alertmanager, if it is started beside.")


class SecretSettings(Section):
    """``[secrets]``: each is made by itself and kept in the folder (mode 0600) if it is left out."""

    cookie: Secret | None = Field(None, description="64 hexadecimal digits that sign the cookies of the hub.")
    auth_state: Secret | None = Field(
        None,
        description="64 hexadecimal digits that encrypt what the provider said; a new and an old one with ; between.",
    )
    proxy: Secret | None = Field(None, description="Password of the proxy's API.")
    service: Secret | None = Field(None, description="The job service's token for the hub.")
    dashboards: Secret | None = Field(None, description="The dashboards' token for the hub.")
    voila: Secret | None = Field(None, description="Voila's token for the hub.")
    panel: Secret | None = Field(None, description="Panel's token for the hub.")
    culler: Secret | None = Field(None, description="The token of what stops idle servers.")
    metrics: Secret | None = Field(None, description="The token that Prometheus reads metrics with.")
    provider: Secret | None = Field(None, description="Client secret at the local sign-in provider.")


class TlsSettings(Section):
    """``[tls]``: certificates."""

    certificates: Literal["none", "files", "automatic"] = Field(
        "none",
        description="Who encrypts: whatever is in front (none), the proxy with files, or with ones it gets itself.",
    )
    certificate: Path | None = Field(None, description="PEM file of the certificate and its chain (files).")
    key: Path | None = Field(None, description="PEM file of its key (files).")
    email: str = Field("", description="Whom the authority may write to (automatic).")
    authority: str = Field(
        "https://acme-v02.api.letsencrypt.org/directory", description="ACME directory of the authority (automatic)."
    )
    authority_root: Path | None = Field(None, description="PEM file to check your own authority with (automatic).")
    lifetime_hours: int = Field(
        2160, ge=1, description="How long the authority's certificates live; they are renewed well before (automatic)."
    )
    http_port: int = Field(80, ge=0, le=65535, description="Port that leads to https; 0 is none (automatic needs it).")


class CullingSettings(Section):
    """``[culling]``: what is ended because nobody uses it."""

    idle_s: int = Field(3600, ge=0, description="Seconds of nothing until a user's server is stopped; 0 is never.")
    every_s: int = Field(300, ge=1, description="Seconds between two looks.")
    age_s: int = Field(0, ge=0, description="Seconds after which a server is stopped in any case; 0 is never.")
    kernel_idle_s: int = Field(0, ge=0, description="Seconds of nothing until a kernel is ended; 0 is never.")
