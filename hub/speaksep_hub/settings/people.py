"""Who may come in, and as what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from speaksep_hub.scopes import ROLES
from speaksep_hub.section import Secret, Section


class SignInSettings(Section):
    """``[sign_in]``: the provider that knows people, by OAuth 2 or OpenID Connect."""

    provider: str = Field(
        "local",
        description="local (made-up people on this machine alone), generic-oauth, github, google, azuread, auth0, or "
        "any other authenticator by the name it is registered with.",
    )
    label: str = Field("", description="What the sign-in button says after “Sign in with”.")
    client_id: str = Field("speaksep", description="What the provider knows the hub as.")
    client_secret: Secret | None = Field(None, description="What the hub proves it with.")
    authorize_url: str = Field("", description="Where browsers are sent (generic-oauth).")
    token_url: str = Field("", description="Where codes become tokens (generic-oauth).")
    userinfo_url: str = Field("", description="Where the claims are asked for (generic-oauth).")
    logout_url: str = Field(
        "", description="The provider's end-session address: signing out is signing out there, too."
    )
    scopes: tuple[str, ...] = Field((), description="What is asked of the provider; its usual ones, if left out.")
    username_claim: str = Field("", description="Claim that is the user name; preferred_username with generic-oauth.")
    groups_claim: str = Field("", description="Claim with names of groups, dots between levels; groups, if left out.")
    automatic: bool = Field(False, description="Send browsers to the provider at once, without a button.")
    refresh_s: int = Field(300, ge=0, description="Seconds until groups are asked for again; 0 is only at sign-in.")
    authority_root: Path | None = Field(None, description="PEM file to check a provider of your own with.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="Further traits of the authenticator, by their names."
    )


class GroupSettings(Section):
    """``[groups]``: which of the provider's groups have which role. Whoever is in none of them is refused."""

    researcher: tuple[str, ...] = Field(("speaksep-researchers",), description="Groups of researchers.")
    viewer: tuple[str, ...] = Field(("speaksep-viewers",), description="Groups of viewers.")
    batch: tuple[str, ...] = Field(("speaksep-batch",), description="Groups of people and programs that run batches.")
    admin: tuple[str, ...] = Field(("speaksep-admins",), description="Groups of administrators.")

    @field_validator("*")
    @classmethod
    def _have_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if any(not name.strip() for name in names):
            raise ValueError("a group without a name would be everybody's")
        return names

    @property
    def by_role(self) -> dict[str, tuple[str, ...]]:
        """Role to its groups."""
        return {role: getattr(self, role) for role in ROLES}

    @property
    def all(self) -> frozenset[str]:
        """Every group that is let in."""
        return frozenset(name for names in self.by_role.values() for name in names)
