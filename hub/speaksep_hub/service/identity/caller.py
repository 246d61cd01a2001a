"""Who asks, and what that person may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

MANAGE = "tokens"
"""Scope to list, make and revoke one's tokens; at a hub, a scope of the hub itself."""

Kind = Literal["hub-token", "cookie", "jwt", "file-token"]
"""How somebody proved who it is: a token of the hub, a browser that signed in, a signed token, a token of a file."""


@dataclass(frozen=True)
class Caller:
    """Who sent a request.

    Attributes
    ----------
    name
        Name of the user at the hub, or in the token file: the owner of jobs, recordings and voices.
    scopes
        Short names (``"jobs:read"``), those that others contain included.
    kind
        How that was proved.
    token_id
        Which token it was, as lists of tokens and the audit log name it; never the token itself.
    expires_at
        Seconds since 1970 after which the token is worth nothing; None: not known here.
    groups
        Groups of the user, for what is shared with those.
    secret
        The token of the hub or of the file behind it, to ask in the caller's name; never shown.
    """

    name: str
    scopes: frozenset[str]
    kind: Kind
    token_id: str
    expires_at: float | None = None
    secret: str = field(default="", repr=False, compare=False)
    groups: frozenset[str] = frozenset()
