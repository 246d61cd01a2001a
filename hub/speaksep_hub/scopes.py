"""Who may do what: every scope and every role of the platform, in this one place.

The hub, the service, the dashboards, the documentation and the tests all read it here. Nothing of Jupyter is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PREFIX = "custom:speaksep:"
"""What the hub wants before the name of a scope that is not its own."""


@dataclass(frozen=True)
class Scope:
    """A thing that may be done: its short name, a sentence for people who consent, and the scopes within it."""

    name: str
    description: str
    contains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Role:
    """What a group of people may do.

    Parameters
    ----------
    name
        Of the role, as in ``[groups]`` of the settings.
    description
        One sentence.
    scopes
        Short names of scopes of the platform; what they contain is not repeated.
    hub_scopes
        Scopes of JupyterHub itself, each limited to the person's own things.
    hub_admin
        Whether its members are administrators of the hub, too.
    """

    name: str
    description: str
    scopes: tuple[str, ...]
    hub_scopes: tuple[str, ...] = ()
    hub_admin: bool = False

    @property
    def hub_name(self) -> str:
        """Name of the role in the hub, where ``admin`` is taken."""
        return f"speaksep-{self.name}"


SCOPES: Mapping[str, Scope] = {
    scope.name: scope
    for scope in (
        Scope("recordings:read", "List your recordings, their diagnoses and results, and listen to them."),
        Scope("recordings:write", "Upload recordings, correct results and delete them.", ("recordings:read",)),
        Scope("jobs:read", "See your jobs, batches and their progress."),
        Scope("jobs:submit", "Have recordings diagnosed and separated, and notebooks run.", ("jobs:read",)),
        Scope("jobs:cancel", "Cancel your jobs and try them again.", ("jobs:read",)),
        Scope("voices:read", "List the voices you have enrolled."),
        Scope("voices:write", "Enrol, rename and forget voices.", ("voices:read",)),
        Scope("dashboards:view", "Look at published dashboards, and at what others share with you."),
        Scope("dashboards:share", "Let others look at your results.", ("dashboards:view",)),
        Scope("metrics:read", "Read the figures for monitoring: counts and times, nobody's names."),
        Scope("admin", "See how the platform does: its limits, its audit trail, who uses how much.", ("metrics:read",)),
    )
}

_OWN_TOKENS = ("tokens!user",)
_OWN_SERVER = ("servers!user", "access:servers!user", "users:activity!user")

EVERYBODY = ("read:users:groups!user", "read:users:name!user")
"""What being signed in is worth: knowing one's own name and groups. The hub's own default is far more."""

ROLES: Mapping[str, Role] = {
    role.name: role
    for role in (
        Role(
            "researcher",
            "Works with recordings: in notebooks on a server of their own, on the pages of the service, by programs.",
            ("recordings:write", "jobs:submit", "jobs:cancel", "voices:write", "dashboards:share"),
            (
                *_OWN_SERVER,
                *_OWN_TOKENS,
                "access:services!service=speaksep",
                "access:services!service=dashboards",
                "access:services!service=voila",
                "access:services!service=panel",
            ),
        ),
        Role(
            "viewer",
            "Looks at published dashboards, and nothing else.",
            ("dashboards:view",),
            tuple(f"access:services!service={name}" for name in ("dashboards", "voila", "panel")),
        ),
        Role(
            "batch",
            "A program or somebody who runs many jobs: makes tokens and uses the API; no server, no pages.",
            ("recordings:write", "jobs:submit", "jobs:cancel"),
            _OWN_TOKENS,
        ),
        Role("admin", "Runs the platform; also an administrator of the hub.", ("admin",), hub_admin=True),
    )
}

SERVER_TOKEN_SCOPES = (
    "users:activity!user",
    "access:servers!server",
    *(PREFIX + name for name in ("recordings:write", "jobs:submit", "jobs:cancel", "voices:write")),
)
"""What the token of a person's server is worth, as far as the person has it: the hub's own choice, and the service,
which notebooks and the pages of JupyterLab ask in that person's name. It shares nothing, and makes no tokens."""

SERVICE_SCOPES = tuple(name for name in SCOPES if name != "dashboards:view")
"""What a browser that signed in at the service may be given there, if the person has it."""
DASHBOARD_SCOPES = ("dashboards:view", "recordings:read", "admin")
"""The same at the dashboards: what is shared, one's own results, how the platform does; nothing that changes any."""


def expand(names: Iterable[str]) -> frozenset[str]:
    """Short names of scopes with all they contain.

    >>> sorted(expand(["jobs:submit"]))
    ['jobs:read', 'jobs:submit']
    """
    return frozenset(inner for name in names for inner in (name, *expand(SCOPES[name].contains)))


def short_names(hub_scopes: Iterable[str]) -> frozenset[str]:
    """The platform's scopes among those that the hub tells of a person or token, without their prefix.

    A scope limited to something (``…!user=ann``) is not counted: the platform knows no such limits.

    >>> sorted(short_names(["custom:speaksep:jobs:read", "custom:other:thing", "self"]))
    ['jobs:read']
    """
    named = (scope.removeprefix(PREFIX) for scope in hub_scopes if scope.startswith(PREFIX))
    return frozenset(name for name in named if name in SCOPES)


def hub_names(names: Iterable[str]) -> list[str]:
    """Short names as the hub writes them."""
    return [PREFIX + name for name in names]


def custom_scopes() -> dict[str, dict[str, Any]]:
    """For ``c.JupyterHub.custom_scopes``."""
    return {
        PREFIX + scope.name: {
            "description": scope.description,
            **({"subscopes": hub_names(scope.contains)} if scope.contains else {}),
        }
        for scope in SCOPES.values()
    }


def load_roles(groups: Mapping[str, Sequence[str]], services: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """For ``c.JupyterHub.load_roles``.

    Parameters
    ----------
    groups
        Role name to the names of the groups that have it.
    services
        Name of a service to the hub's scopes that it needs.
    """
    return [
        {"name": "user", "description": "Signed in, and no more.", "scopes": list(EVERYBODY)},
        *(
            {
                "name": role.hub_name,
                "description": role.description,
                "scopes": [*role.hub_scopes, *hub_names(role.scopes)],
                "groups": list(groups.get(role.name, ())),
            }
            for role in ROLES.values()
        ),
        *(
            {
                "name": f"service-{name}",
                "description": f"What the service {name} needs.",
                "scopes": list(scopes),
                "services": [name],
            }
            for name, scopes in services.items()
        ),
    ]
