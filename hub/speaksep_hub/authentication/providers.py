"""What differs from provider to provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any

from speaksep_kernel.errors import InputError

GROUP = "jupyterhub.authenticators"


@dataclass(frozen=True)
class Provider:
    """What one kind of provider needs besides its authenticator's own choices.

    Parameters
    ----------
    groups
        Where groups are in what it says of a person; with ``beside``, next to it.
    joined
        For groups that are objects: the keys that make their name.
    username
        Claim that is the user name.
    scopes
        What must be asked for.
    traits
        Further traits that groups need.
    """

    groups: str = "groups"
    beside: bool = False
    joined: tuple[tuple[str, ...], ...] = ()
    username: str = ""
    scopes: tuple[str, ...] = ()
    traits: Mapping[str, Any] = field(default_factory=dict)


PROVIDERS: Mapping[str, Provider] = {
    "generic-oauth": Provider(username="preferred_username", scopes=("openid", "profile", "email")),
    # Teams, named organisation:team as in their address.
    "github": Provider(
        groups="teams",
        beside=True,
        joined=(("organization", "login"), ("slug",)),
        scopes=("read:user", "read:org"),
        traits={"populate_teams_in_auth_state": True},
    ),
    # Told only when sign_in.options names a service account of the domain.
    "google": Provider(groups="google_groups"),
    "auth0": Provider(scopes=("openid", "profile", "email")),
}
"""By the name the authenticator is registered with; others are taken as they are."""


def authenticator(name: str) -> type[Any]:
    """The class of an OAuth authenticator by its registered name.

    Raises
    ------
    InputError
        Reason ``unknown-provider``: there is none; ``not-oauth``: it has no groups to tell roles by.
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        usable = ", ".join(sorted(each for each in found if found[each].value.startswith("oauthenticator.")))
        raise InputError(
            f"no sign-in provider is called {name!r}",
            reason="unknown-provider",
            hint=f"sign_in.provider is local, or one of {usable}",
        )
    kind: type[Any] = found[name].load()
    if not hasattr(kind, "user_auth_state_key"):
        raise InputError(
            f"{name!r} ({kind.__name__}) signs in without OAuth and tells no groups, so that nobody would have a role",
            reason="not-oauth",
            hint="use an authenticator of the oauthenticator package, such as generic-oauth",
        )
    return kind
