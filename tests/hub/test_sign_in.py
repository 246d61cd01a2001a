"""Authenticators as the settings configure them: groups that become roles, and nobody else let in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from oauthenticator.oauth2 import OAuthenticator
from traitlets.config import Config

from speaksep_hub.authentication.groups import GroupClaim
from speaksep_hub.authentication.providers import authenticator
from speaksep_hub.authentication.sign_in import configure_sign_in
from speaksep_hub.local.folder import Folder
from speaksep_hub.settings import Settings
from speaksep_kernel.errors import InputError

ADDRESSES = {
    "authorize_url": "https://id.example.org/authorize",
    "token_url": "https://id.example.org/token",
    "userinfo_url": "https://id.example.org/userinfo",
}
GROUPS = {"researcher": ["lab:phonetics", "lab"], "admin": ["it"]}


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., OAuthenticator]:
    """``configured("github", groups_claim=…)`` makes that authenticator, configured."""

    def configure(provider: str, **more: Any) -> OAuthenticator:
        sign_in = {"provider": provider, "client_secret": "not-a-secret", "client_id": "us", **more}
        settings = Settings.model_validate(
            {"hub": {"url": "https://speech.example.org"}, "sign_in": sign_in, "groups": GROUPS}
        )
        c = Config()
        configure_sign_in(c, settings, Folder.open(tmp_path / "hub"))
        made: OAuthenticator = authenticator("generic-oauth" if provider == "local" else provider)(config=c)
        return made

    return configure


@pytest.mark.parametrize(
    ("provider", "more", "said"),
    [
        pytest.param("generic-oauth", ADDRESSES, {"oauth_user": {"groups": ["lab", "choir"]}}, id="a claim"),
        pytest.param(
            "generic-oauth",
            {**ADDRESSES, "groups_claim": "resource_access.us.roles"},
            {"oauth_user": {"resource_access": {"us": {"roles": ["lab", "choir"]}}}},
            id="a claim within others",
        ),
        pytest.param("azuread", {}, {"user": {"groups": ["lab", "choir"]}}, id="azuread"),
        pytest.param("auth0", {"options": {"auth0_domain": "x.org"}}, {"auth0_user": {"groups": ["lab"]}}, id="auth0"),
        pytest.param("google", {}, {"google_user": {"google_groups": ["lab", "choir"]}}, id="google"),
        pytest.param("local", {}, {"oauth_user": {"groups": ["lab"]}}, id="local"),
    ],
)
def test_groups_with_a_role_are_taken_and_no_others(
    configured: Callable[..., OAuthenticator], provider: str, more: dict[str, Any], said: dict[str, Any]
) -> None:
    assert asyncio.run(configured(provider, **more).get_user_groups(said)) == {"lab"}


def test_teams_of_github_are_named_as_in_their_address(configured: Callable[..., OAuthenticator]) -> None:
    github = configured("github")
    teams = [
        {"slug": "phonetics", "organization": {"login": "lab"}},
        {"slug": "phonetics", "organization": {"login": "other"}},
        {"slug": "lab", "organization": None},
        {"slug": "it"},
    ]
    assert asyncio.run(github.get_user_groups({"github_user": {"groups": ["it"]}, "teams": teams})) == {"lab:phonetics"}
    assert "read:org" in github.scope
    assert github.populate_teams_in_auth_state


@pytest.mark.parametrize("provider", ["generic-oauth", "github", "azuread"])
@pytest.mark.parametrize(
    ("groups", "admin", "allowed"),
    [
        pytest.param(["lab"], False, True, id="in a group"),
        pytest.param(["it"], True, True, id="an administrator"),
        pytest.param([], False, False, id="in none"),
    ],
)
def test_whoever_is_in_no_group_is_not_allowed(
    configured: Callable[..., OAuthenticator], provider: str, groups: list[str], admin: bool, allowed: bool
) -> None:
    asked = configured(provider, **(ADDRESSES if provider == "generic-oauth" else {}))
    model = {"name": "ann", "admin": None, "auth_state": {}}

    async def given(_: dict[str, Any]) -> set[str]:
        return set(groups)

    asked.get_user_groups = given
    model = asyncio.run(asked._apply_managed_groups(model))
    assert model["admin"] is admin
    assert asyncio.run(asked.check_allowed("ann", model)) is allowed


@pytest.mark.parametrize(
    "provider", ["github", "gitlab", "google", "azuread", "cilogon", "globus", "bitbucket", "openshift"]
)
def test_every_provider_is_asked_with_pkce_and_denies_by_itself(tmp_path: Path, provider: str) -> None:
    settings = Settings.model_validate({"sign_in": {"provider": provider, "client_secret": "not-a-secret"}})
    c = Config()
    configure_sign_in(c, settings, Folder.open(tmp_path / "hub"))
    section = c[authenticator(provider).__name__]
    assert (section.enable_pkce, section.allow_all, section.allow_existing_users) == (True, False, False)
    assert section.allowed_groups == set(settings.groups.all)
    assert c.JupyterHub.oauth_require_pkce


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("nowhere", "unknown-provider", id="unknown"),
        pytest.param("pam", "not-oauth", id="PAM"),
        pytest.param("dummy", "not-oauth", id="dummy"),
        pytest.param("null", "not-oauth", id="null"),
    ],
)
def test_a_provider_that_tells_no_groups_is_refused(name: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        authenticator(name)
    assert caught.value.reason == reason
    assert "generic-oauth" in caught.value.hint


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"user": None}, id="no person"),
        pytest.param({"user": {"groups": {"it": True}}}, id="an object"),
        pytest.param({"user": {"groups": 7}}, id="a number"),
        pytest.param({"user": {"groups": ["it "]}}, id="almost"),
        pytest.param({"user": {"groups": [None, ["it"]]}}, id="a list of something else"),
    ],
)
def test_a_claim_that_names_no_group_gives_none(said: dict[str, Any]) -> None:
    assert GroupClaim(("user", "groups"), frozenset({"it"}))(said) == set()


def test_signing_out_goes_on_at_the_provider(configured: Callable[..., OAuthenticator]) -> None:
    made = configured("generic-oauth", **ADDRESSES, logout_url="https://id.example.org/logout?x=1")
    assert made.logout_redirect_url == (
        "https://id.example.org/logout?x=1&client_id=us&post_logout_redirect_uri=https%3A%2F%2Fspeech.example.org%2Fhub%2Flogin"
    )


def test_further_traits_are_passed_on(configured: Callable[..., OAuthenticator]) -> None:
    made = configured("generic-oauth", **ADDRESSES, options={"basic_auth": True}, authority_root="/etc/ca.pem")
    assert made.basic_auth
    assert made.http_request_kwargs == {"ca_certs": "/etc/ca.pem"}
