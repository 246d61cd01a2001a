"""Who one can be on this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from speaksep_kernel.errors import InputError

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")
"""Names that are safe as the name of a home, of a host and in an address."""
ABOUT = {
    "researcher": "Notebooks with a kernel, the job service, voices, dashboards",
    "viewer": "Published dashboards, nothing else",
    "batch": "The job service for programs, no notebooks",
    "admin": "All of it, and the hub's administration",
}


@dataclass(frozen=True)
class Persona:
    """Somebody.

    Parameters
    ----------
    name
        User name on the hub.
    role
        One of :data:`ABOUT`.
    groups
        What the provider says they are in.
    """

    name: str
    role: str
    groups: tuple[str, ...]

    def claims(self) -> dict[str, object]:
        """What a relying party is told, in the words of OpenID Connect."""
        return {
            "sub": self.name,
            "preferred_username": self.name,
            "name": self.name.replace("-", " ").title(),
            "groups": list(self.groups),
        }


def persona(name: str, role: str, groups: Mapping[str, tuple[str, ...]]) -> Persona:
    """The persona of that name with that role.

    Parameters
    ----------
    name
        Lower-case letters, digits and hyphens.
    role
        One of :data:`ABOUT`; if empty, the name is the role.
    groups
        Role to the groups that give it.

    Raises
    ------
    InputError
        Reason ``bad-name`` or ``unknown-role``.
    """
    if not NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot be a user name",
            reason="bad-name",
            hint="two to 32 lower-case letters, digits and hyphens, a letter first",
        )
    if (role or name) not in ABOUT:
        raise InputError(
            f"there is no role {role or name!r}", reason="unknown-role", hint=f"one of: {', '.join(ABOUT)}"
        )
    return Persona(name, role or name, tuple(groups.get(role or name, ())))
