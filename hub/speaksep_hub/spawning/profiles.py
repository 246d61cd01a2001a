"""Sizes of servers: who may choose which, and what becomes of the choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from jupyterhub.spawner import SpawnException

from speaksep_hub.settings import Profile, SpawnerSettings

FIELD = "profile"
"""Name of the choice in forms, in ``?opt-profile=`` and in the API's ``{"profile": …}``."""


@dataclass(frozen=True)
class Profiles:
    """The sizes of one platform.

    Parameters
    ----------
    settings
        ``[spawner]``.
    environment
        Variables of every server.
    traits
        What a size means to the spawner: its traits.
    check
        Raises a ``SpawnException`` if such a server cannot start here and now.
    """

    settings: SpawnerSettings
    environment: Mapping[str, str]
    traits: Callable[[Profile], Mapping[str, Any]]
    check: Callable[[Profile], None]

    def open_to(self, spawner: Any) -> list[Profile]:
        """Those that this server's person may choose."""
        groups = {group.name for group in spawner.user.groups}
        return [each for each in self.settings.profiles if not each.groups or groups & set(each.groups)]

    def form(self, spawner: Any) -> str:
        """For ``c.Spawner.options_form``; empty where there is nothing to choose, so that the server starts at once."""
        choices = self.open_to(spawner)
        if len(choices) < 2:
            return ""
        rows = "".join(
            f'<div class="form-check"><input class="form-check-input" type="radio" name="{FIELD}" '
            f'id="{FIELD}-{each.name}" '
            f'value="{each.name}"{" checked" if each is choices[0] else ""}>'
            f'<label class="form-check-label" for="{FIELD}-{each.name}">{escape(each.shown)}</label></div>'
            for each in choices
        )
        return f"<fieldset><legend>Size of the server</legend>{rows}</fieldset>"

    def chosen(self, spawner: Any, options: Mapping[str, Any]) -> Profile:
        """What somebody asked for, by a form, a link or the API.

        Raises
        ------
        SpawnException
            Reason ``unknown-profile``, ``profile-not-allowed`` or ``no-profile``.
        """
        choices = self.open_to(spawner)
        names = ", ".join(each.name for each in choices)
        if not choices:
            raise SpawnException(
                "No size of server is open to your groups; whoever administers this hub can change that.",
                reason="no-profile",
                status_code=403,
            )
        wanted = options.get(FIELD, choices[0].name)
        known = {each.name: each for each in self.settings.profiles}
        if not isinstance(wanted, str) or wanted not in known:
            shown = str(wanted)[:60]
            raise SpawnException(
                f"There is no size of server called {shown!r}; choose one of {names}.", reason="unknown-profile"
            )
        if known[wanted] not in choices:
            raise SpawnException(
                f"The size {wanted!r} is not open to your groups; choose one of {names}.",
                reason="profile-not-allowed",
                status_code=403,
            )
        return known[wanted]

    def apply(self, spawner: Any, options: Mapping[str, Any]) -> None:
        """For ``c.Spawner.apply_user_options``: make the server what was asked for.

        Raises
        ------
        SpawnException
            As `chosen`, and what ``check`` raises.
        """
        profile = self.chosen(spawner, options)
        self.check(profile)
        spawner.mem_limit = int(profile.memory_bytes)
        spawner.cpu_limit = profile.cores
        spawner.environment = {**self.environment, **_device(profile), **profile.environment}
        for trait, value in self.traits(profile).items():
            setattr(spawner, trait, value)


def _device(profile: Profile) -> dict[str, str]:
    threads = str(max(1, int(profile.cores)))
    return {"SPEAKSEP_DEVICE": "auto" if profile.device == "gpu" else "cpu", "OMP_NUM_THREADS": threads}
