"""All settings of the platform: one document, read from one file (TOML) and the environment."""

from speaksep_hub.settings.document import FILE_VARIABLE, PREFIX, Settings, load
from speaksep_hub.settings.people import GroupSettings, SignInSettings
from speaksep_hub.settings.platform import CullingSettings, HubSettings, PortSettings, SecretSettings, TlsSettings
from speaksep_hub.settings.servers import Profile, SpawnerSettings
from speaksep_hub.settings.services import DashboardSettings, StoreSettings
from speaksep_hub.settings.shown import hidden

__all__ = [
    "FILE_VARIABLE",
    "PREFIX",
    "CullingSettings",
    "DashboardSettings",
    "GroupSettings",
    "HubSettings",
    "PortSettings",
    "Profile",
    "SecretSettings",
    "Settings",
    "SignInSettings",
    "SpawnerSettings",
    "StoreSettings",
    "TlsSettings",
    "hidden",
    "load",
]
