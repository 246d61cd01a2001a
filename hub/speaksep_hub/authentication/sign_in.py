"""Configures the authenticator: default deny, groups that become roles, PKCE, and a sign-out that is one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from speaksep_hub.authentication.groups import GroupClaim
from speaksep_hub.authentication.providers import PROVIDERS, Provider, authenticator
from speaksep_hub.authentication.sign_out import signing_out_everywhere
from speaksep_hub.local.folder import Folder
from speaksep_hub.settings import Settings

NAMES = r"^[a-z0-9][a-z0-9._@-]{0,63}$"
"""User names: they become names of folders, hosts and accounts."""


def configure_sign_in(c: Any, settings: Settings, folder: Folder) -> None:
    """Set ``c.JupyterHub.authenticator_class`` and all that belongs to it.

    Parameters
    ----------
    c
        The hub's configuration.
    settings
        Of the platform.
    folder
        Where secrets are kept.

    Raises
    ------
    InputError
        Reason ``unknown-provider`` or ``not-oauth``.
    """
    chosen = settings.sign_in
    name = "generic-oauth" if chosen.provider == "local" else chosen.provider
    kind, provider = authenticator(name), PROVIDERS.get(name, Provider())
    c.JupyterHub.authenticator_class = signing_out_everywhere(kind)
    c.JupyterHub.oauth_require_pkce = True
    c.Authenticator.enable_auth_state = True
    c.Authenticator.auth_refresh_age = chosen.refresh_s
    c.Authenticator.refresh_pre_spawn = True
    c.Authenticator.username_pattern = NAMES
    c.Authenticator.auto_login = chosen.automatic
    secret = settings.secrets.auth_state
    c.CryptKeeper.keys = (secret.get_secret_value() if secret else folder.secret("auth_state")).split(";")

    section = c[kind.__name__]
    section.oauth_callback_url = settings.hub.url + "/hub/oauth_callback"
    section.enable_pkce = True
    section.manage_groups = True
    section.allow_all = False
    section.allow_existing_users = False
    section.allowed_groups = set(settings.groups.all)
    section.admin_groups = set(settings.groups.admin)
    section.custom_403_message = (
        "You are signed in, but in none of the groups that may use SpeakSep. Whoever administers it can say which."
    )
    claim = tuple((chosen.groups_claim or provider.groups).split("."))
    section.auth_state_groups_key = GroupClaim(
        claim if provider.beside else (kind.user_auth_state_key, *claim), settings.groups.all, provider.joined
    )
    section.client_id = chosen.client_id
    for trait, value in (
        ("username_claim", chosen.username_claim or provider.username),
        ("scope", list(chosen.scopes or provider.scopes)),
        ("login_service", chosen.label),
        ("authorize_url", chosen.authorize_url),
        ("token_url", chosen.token_url),
        ("userdata_url", chosen.userinfo_url),
        ("http_request_kwargs", {"ca_certs": str(chosen.authority_root)} if chosen.authority_root else {}),
        ("client_secret", chosen.client_secret.get_secret_value() if chosen.client_secret else ""),
        ("logout_redirect_url", _logout(chosen.logout_url, chosen.client_id, settings.hub.url)),
    ):
        if value:
            section[trait] = value
    for trait, value in (*provider.traits.items(), *chosen.options.items()):
        section[trait] = value
    if chosen.provider == "local":
        _local(section, settings, folder)


def _local(section: Any, settings: Settings, folder: Folder) -> None:
    """The provider on this machine; `speaksep_hub.local` says what it answers at."""
    issuer = f"http://127.0.0.1:{settings.ports.provider}"
    secret = settings.secrets.provider
    section.client_secret = secret.get_secret_value() if secret else folder.secret("provider")
    section.login_service = settings.sign_in.label or "a made-up person on this machine"
    section.authorize_url = f"{issuer}/oauth2/authorize"
    section.token_url = f"{issuer}/oauth2/token"
    section.userdata_url = f"{issuer}/userinfo"
    section.logout_redirect_url = _logout(f"{issuer}/oauth2/end_session", settings.sign_in.client_id, settings.hub.url)


def _logout(url: str, client_id: str, back: str) -> str:
    """Where sign-out goes on, so that the next sign-in asks again (OpenID Connect RP-Initiated Logout 1.0)."""
    if not url:
        return ""
    query = urlencode({"client_id": client_id, "post_logout_redirect_uri": f"{back}/hub/login"})
    return f"{url}{'&' if '?' in url else '?'}{query}"
