"""A running hub, on PostgreSQL, with an OpenID Connect provider: who gets in, and what each role may do there."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import psycopg
import pytest
from jupyterhub.roles import get_default_roles
from jupyterhub.scopes import _expand_scope

from tests.hub.deployment import Deployment, query_of

PREFIX = "custom:speaksep:"
NAMED = {"read:users:name!user={}", "read:users:groups!user={}"}
TOKENS = {"tokens!user={}", "read:tokens!user={}"}
SERVER = {
    *("servers!user={}", "read:servers!user={}", "start:servers!user={}", "delete:servers!user={}"),
    *("access:servers!user={}", "users:activity!user={}", "read:users:activity!user={}"),
}
RECORDINGS = {PREFIX + "recordings:write", PREFIX + "recordings:read"}
JOBS = {PREFIX + "jobs:submit", PREFIX + "jobs:read", PREFIX + "jobs:cancel"}
VOICES = {PREFIX + "voices:write", PREFIX + "voices:read"}
DASHBOARDS = {
    PREFIX + "dashboards:view",
    *(f"access:services!service={name}" for name in ("dashboards", "voila", "panel")),
}
SHARES = {PREFIX + "dashboards:share"}
HUB_ADMIN = {
    inner
    for role in get_default_roles()
    if role["name"] == "admin"
    for scope in role["scopes"]
    for inner in _expand_scope(scope)
}


@pytest.mark.parametrize(
    ("group", "scopes"),
    [
        pytest.param(
            "speaksep-researchers",
            NAMED
            | TOKENS
            | SERVER
            | RECORDINGS
            | JOBS
            | VOICES
            | DASHBOARDS
            | SHARES
            | {"access:services!service=speaksep"},
            id="researcher",
        ),
        pytest.param("speaksep-viewers", NAMED | DASHBOARDS, id="viewer"),
        pytest.param("speaksep-batch", NAMED | TOKENS | RECORDINGS | JOBS, id="batch"),
        pytest.param("speaksep-admins", HUB_ADMIN | {PREFIX + "admin", PREFIX + "metrics:read"}, id="admin"),
    ],
)
def test_a_role_has_what_is_listed_and_no_more(deployment: Deployment, group: str, scopes: set[str]) -> None:
    name = group.removeprefix("speaksep-")
    browser = deployment.signed_in(name, group, "staff", "everyone")
    assert deployment.may(browser) == {scope.format(name) for scope in scopes}


@pytest.mark.parametrize(
    "groups",
    [pytest.param((), id="none"), pytest.param(("staff", "admin", "speaksep-researcher", ""), id="others")],
)
def test_whoever_is_in_no_group_is_refused(deployment: Deployment, groups: tuple[str, ...]) -> None:
    deployment.knows("mallory", *groups)
    browser = deployment.browser()
    answer = deployment.sign_in(browser, "mallory")
    assert answer.status_code == 403
    assert "none of the groups" in answer.text
    assert browser.get("hub/home").url.path == "/hub/login"


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"groups": "speaksep-admins,speaksep-viewers"}, id="a text"),
        pytest.param({"groups": {"speaksep-admins": True}}, id="an object"),
        pytest.param({"groups": None}, id="nothing"),
        pytest.param({"groups": [["speaksep-admins"], 7, None]}, id="a list of something else"),
    ],
)
def test_a_claim_that_is_no_list_of_groups_is_none(deployment: Deployment, claims: dict[str, object]) -> None:
    deployment.knows("oscar", **claims)
    assert deployment.sign_in(deployment.browser(), "oscar").status_code == 403


@pytest.mark.parametrize("name", ["../../etc", "a/b", "-rf", "a b", "ann\nbob", "x" * 65, "{username}", "é"])
def test_a_name_that_is_no_name_of_a_folder_is_refused(deployment: Deployment, name: str) -> None:
    deployment.knows("subject", "speaksep-researchers", preferred_username=name)
    assert deployment.sign_in(deployment.browser(), "subject").status_code == 403


def test_only_groups_with_a_role_are_kept(deployment: Deployment) -> None:
    browser = deployment.signed_in("ada", "speaksep-admins", "secret-project", "everyone")
    groups = deployment.api(browser, "GET", "groups").json()
    assert {group["name"] for group in groups} == {
        "speaksep-researchers",
        "speaksep-viewers",
        "speaksep-batch",
        "speaksep-admins",
    }


def test_who_leaves_a_group_loses_the_role_without_signing_out(deployment: Deployment) -> None:
    browser = deployment.signed_in("lea", "speaksep-researchers")
    token = deployment.token(browser, "lea").json()["token"]
    assert deployment.scopes_of(token) >= JOBS
    deployment.knows("lea")
    time.sleep(1.2)  # sign_in.refresh_s is 1
    browser.get("hub/home")
    assert deployment.scopes_of(token) == {scope.format("lea") for scope in NAMED}


def test_the_provider_is_asked_with_pkce(deployment: Deployment) -> None:
    answer = deployment.browser().get("hub/oauth_login", follow_redirects=False)
    asked = query_of(answer)
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert asked["redirect_uri"] == f"{deployment.url}hub/oauth_callback"


def test_services_must_use_pkce(deployment: Deployment) -> None:
    browser = deployment.signed_in("vera", "speaksep-viewers")
    asked = {
        "client_id": "service-voila",
        "redirect_uri": "/services/voila/oauth_callback",
        "response_type": "code",
        "state": "x",
    }
    answer = browser.get("hub/api/oauth2/authorize", params=asked, follow_redirects=False)
    assert answer.status_code == 400 or "error=invalid_request" in answer.headers.get("location", "")


def test_a_callback_that_nobody_asked_for_is_refused(deployment: Deployment) -> None:
    answer = deployment.browser().get("hub/oauth_callback", params={"code": "x", "state": "e30="})
    assert answer.status_code == 400


def test_a_code_cannot_be_used_twice(deployment: Deployment) -> None:
    deployment.knows("rita", "speaksep-viewers")
    browser = deployment.browser()
    page = browser.get("hub/oauth_login")
    callback = browser.post(page.url, data={"sub": "rita"}, follow_redirects=False).headers["location"]
    cookies = dict(browser.cookies)
    assert browser.get(callback, follow_redirects=False).status_code == 302
    thief = deployment.browser()
    thief.cookies.update(cookies)
    assert thief.get(callback).status_code >= 400


def test_signing_out_is_signing_out_at_the_provider_too(deployment: Deployment) -> None:
    browser = deployment.signed_in("omar", "speaksep-viewers")
    cookies = dict(browser.cookies)
    answer = browser.get("hub/logout", follow_redirects=False)
    assert answer.headers["location"].startswith(f"{deployment.provider}/oauth2/end_session?")
    assert query_of(answer) == {
        "client_id": "speaksep",
        "post_logout_redirect_uri": f"{deployment.url}hub/login",
    }
    assert browser.get("hub/home").url.path == "/hub/login"
    assert "access:services!service=dashboards" not in str(cookies)


@pytest.mark.parametrize(
    ("group", "path"),
    [
        pytest.param("speaksep-viewers", "/services/dashboards/", id="viewer"),
        pytest.param("speaksep-batch", "/hub/token", id="batch"),
        pytest.param("speaksep-admins", "/hub/admin", id="admin"),
    ],
)
def test_after_signing_in_people_are_where_their_role_lets_them(deployment: Deployment, group: str, path: str) -> None:
    name = f"new-{group.removeprefix('speaksep-')}"
    deployment.knows(name, group)
    assert deployment.sign_in(deployment.browser(), name, after="").url.path == path


@pytest.mark.parametrize("group", ["speaksep-viewers", "speaksep-batch"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "users/{}/server"),
        ("POST", "users/{}/servers/second"),
        ("POST", "users/ada/server"),
        ("GET", "users"),
        ("GET", "users/ada"),
        ("GET", "users/ada/tokens"),
        ("POST", "users/ada/tokens"),
        ("GET", "groups"),
        ("POST", "groups/speaksep-admins/users"),
        ("GET", "services"),
        ("GET", "info"),
        ("GET", "proxy"),
        ("POST", "shutdown"),
        ("POST", "shares/{}/"),
        ("PATCH", "users/{}"),
    ],
)
def test_viewer_and_batch_are_refused_by_the_hub(deployment: Deployment, group: str, method: str, path: str) -> None:
    name = f"one-of-{group.removeprefix('speaksep-')}"
    browser = deployment.once_signed_in(name, group)
    answer = deployment.api(browser, method, path.format(name), {"admin": True, "users": [name]})
    assert answer.status_code in (403, 404), answer.text


@pytest.mark.parametrize("path", ["hub/spawn", "hub/admin", "user/ada/lab", "services/speaksep/", "hub/metrics"])
def test_a_viewer_is_refused_every_page_but_dashboards(deployment: Deployment, path: str) -> None:
    browser = deployment.once_signed_in("one-of-viewers", "speaksep-viewers")
    assert browser.get(path).status_code in (403, 404)


def test_a_token_cannot_get_more_than_its_owner_has(deployment: Deployment) -> None:
    browser = deployment.once_signed_in("one-of-batch", "speaksep-batch")
    for scope in (PREFIX + "voices:read", PREFIX + "admin", "servers!user=one-of-batch", "admin:users"):
        assert deployment.token(browser, "one-of-batch", scope).status_code in (400, 403)


def test_a_token_may_have_less_than_its_owner(deployment: Deployment) -> None:
    browser = deployment.once_signed_in("one-of-batch", "speaksep-batch")
    token = deployment.token(browser, "one-of-batch", PREFIX + "jobs:read").json()["token"]
    assert deployment.scopes_of(token) - {scope.format("one-of-batch") for scope in NAMED} == {PREFIX + "jobs:read"}


def test_no_token_lives_for_ever(deployment: Deployment) -> None:
    browser = deployment.once_signed_in("one-of-batch", "speaksep-batch")
    lived = deployment.api(browser, "POST", "users/one-of-batch/tokens", {"expires_in": 91 * 24 * 3600})
    assert lived.status_code == 400
    unsaid = deployment.api(browser, "POST", "users/one-of-batch/tokens", {})
    assert unsaid.status_code == 400 or unsaid.json()["expires_at"] is not None


def test_the_hub_keeps_what_it_knows_in_postgresql(deployment: Deployment, hub_database: str) -> None:
    deployment.once_signed_in("one-of-viewers", "speaksep-viewers")
    with psycopg.connect(hub_database) as connection:
        names = {row[0] for row in connection.execute("select name from users")}
        kept = connection.execute("select encrypted_auth_state from users where name = 'one-of-viewers'").fetchone()
    assert "one-of-viewers" in names
    assert kept is not None
    assert b"access_token" not in bytes(kept[0])
    assert not (deployment.folder / "hub" / "hub.sqlite").exists()


def test_open_redirects_are_not_followed(deployment: Deployment) -> None:
    deployment.knows("rolf", "speaksep-viewers")
    for target in ("https://evil.example.org/", "//evil.example.org/", "/\\evil.example.org", "http:evil.example.org"):
        browser = deployment.browser()
        page = browser.get("hub/oauth_login", params={"next": target})
        came = browser.post(page.url, data={"sub": "rolf"})
        assert urlsplit(str(came.url)).hostname == "127.0.0.1"
