"""The settings as a whole: read from one file and the environment, refused with the place of what is wrong."""

from __future__ import annotations

import ipaddress
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from speaksep_hub.audit.settings import AuditSettings
from speaksep_hub.backup.settings import BackupSettings
from speaksep_hub.metrics.settings import AlertSettings
from speaksep_hub.notices.settings import NoticeSettings
from speaksep_hub.protection.settings import ProtectionSettings
from speaksep_hub.reporting.settings import ReportingSettings
from speaksep_hub.section import Section
from speaksep_hub.service.settings import ServiceSettings
from speaksep_hub.settings.people import GroupSettings, SignInSettings
from speaksep_hub.settings.platform import (
    LOOPBACK,
    CullingSettings,
    HubSettings,
    PortSettings,
    SecretSettings,
    TlsSettings,
)
from speaksep_hub.settings.servers import SpawnerSettings
from speaksep_hub.settings.services import DashboardSettings, StoreSettings
from speaksep_kernel.errors import InputError

FILE_VARIABLE = "SPEAKSEP_HUB_CONFIG"
"""Names the file."""
PREFIX = "SPEAKSEP_HUB__"
"""What variables begin with that say a setting: ``SPEAKSEP_HUB__SIGN_IN__CLIENT_ID``."""


class Settings(Section):
    """Everything that can be set on the platform, checked; it does not change once it is read."""

    hub: HubSettings = Field(default_factory=HubSettings)
    ports: PortSettings = Field(default_factory=PortSettings)
    secrets: SecretSettings = Field(default_factory=SecretSettings)
    tls: TlsSettings = Field(default_factory=TlsSettings)
    sign_in: SignInSettings = Field(default_factory=SignInSettings)
    groups: GroupSettings = Field(default_factory=GroupSettings)
    spawner: SpawnerSettings = Field(default_factory=SpawnerSettings)
    culling: CullingSettings = Field(default_factory=CullingSettings)
    service: ServiceSettings = Field(default_factory=ServiceSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    protection: ProtectionSettings = Field(default_factory=ProtectionSettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    dashboards: DashboardSettings = Field(default_factory=DashboardSettings)
    notices: NoticeSettings = Field(default_factory=NoticeSettings)
    reporting: ReportingSettings = Field(default_factory=ReportingSettings)
    backup: BackupSettings = Field(default_factory=BackupSettings)
    alerts: AlertSettings = Field(default_factory=AlertSettings)

    @model_validator(mode="after")
    def _belong_together(self) -> Settings:
        for wrong, say in (
            (self.tls.certificates != "none" and not self.hub.https, "tls.certificates needs a hub.url with https"),
            (
                self.tls.certificates == "files" and not (self.tls.certificate and self.tls.key),
                "tls.certificates = 'files' needs tls.certificate and tls.key",
            ),
            (
                self.tls.certificates == "automatic" and not (self.tls.http_port and self.tls.email),
                "tls.certificates = 'automatic' needs tls.email, and tls.http_port for the authority to ask at",
            ),
            (
                self.tls.certificates == "automatic" and _is_ip(self.hub.host),
                f"tls.certificates = 'automatic' needs a name in hub.url, and {self.hub.host} is a number",
            ),
            (
                self.hub.subdomains and (_is_ip(self.hub.host) or self.hub.host in LOOPBACK),
                f"hub.subdomains needs a name in hub.url, and {self.hub.host} has none below it",
            ),
            (
                self.hub.named_servers and self.spawner.kind == "systemd",
                f"hub.named_servers = {self.hub.named_servers}, and spawner.kind = 'systemd' has one server per person",
            ),
            (
                self.sign_in.provider == "generic-oauth"
                and not (self.sign_in.authorize_url and self.sign_in.token_url and self.sign_in.userinfo_url),
                "sign_in.provider = 'generic-oauth' needs authorize_url, token_url and userinfo_url",
            ),
            (
                self.sign_in.provider != "local" and self.sign_in.client_secret is None,
                f"sign_in.provider = {self.sign_in.provider!r} needs client_secret",
            ),
        ):
            if wrong:
                raise ValueError(say)
        return self


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def load(path: Path | str | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in force.

    Parameters
    ----------
    path
        The file (TOML); that which ``SPEAKSEP_HUB_CONFIG`` names by default, and none if it names none.
    environment
        Variables; those of the process by default. One of them wins over the file.

    Raises
    ------
    InputError
        Reason ``settings-unreadable``: the file; ``bad-settings``: a value, with its place.
    """
    variables = os.environ if environment is None else environment
    named = path or variables.get(FILE_VARIABLE)
    values = _read(Path(named).expanduser()) if named else {}
    for name, text in variables.items():
        if name.startswith(PREFIX):
            _put(values, name, text)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise _explained(error, str(named or "the environment")) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"the settings {path} cannot be read: {error}",
            reason="settings-unreadable",
            hint=f"{FILE_VARIABLE} names a TOML file; docs/deployment.md has an example",
        ) from None


def _put(values: dict[str, Any], name: str, text: str) -> None:
    """A variable where it belongs; lists and tables are written as JSON."""
    *path, last = name.removeprefix(PREFIX).lower().split("__")
    place = values
    for key in path:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise InputError(
                f"{name}: {key} is a value and has nothing in it",
                reason="bad-settings",
                hint=f"variables are {PREFIX}SECTION__NAME",
            )
    try:
        place[last] = json.loads(text) if text.startswith(("[", "{")) else text
    except ValueError as error:
        raise InputError(
            f"{name}={text!r} is not JSON: {error}", reason="bad-settings", hint='write a list as ["one", "two"]'
        ) from None


def _explained(error: ValidationError, source: str) -> InputError:
    first, *more = error.errors(include_url=False, include_context=False)
    place = ".".join(map(str, first["loc"]))
    value = (
        ""
        if "secret" in place or not isinstance(first["input"], str | int | float | bool)
        else f" = {first['input']!r}"
    )
    others = f" (and {len(more)} more)" if more else ""
    return InputError(
        f"setting {place}{value} in {source}: {first['msg'].removeprefix('Value error, ')}{others}",
        reason="bad-settings",
        hint="docs/deployment.md lists all settings; speaksep hub config --show prints those in force",
    )
