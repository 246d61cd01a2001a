"""Who may do what at the service behind a hub: tokens, browsers that sign in there, whatever was revoked."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from speaksep_hub.audit.events import name_of
from speaksep_hub.audit.verify import entries
from tests.hub.running import RunningHub, until

SOON_S = 5.0
"""Within which something that was revoked is worth nothing."""


@pytest.fixture(scope="module")
def hub(platform: RunningHub) -> RunningHub:
    return platform


@pytest.fixture(scope="module")
def ann(hub: RunningHub) -> Iterator[httpx.Client]:
    """The browser of a researcher, signed in at the hub."""
    with closing(hub.sign_in("ann", "researcher")) as browser:
        yield browser


@pytest.fixture
def secret(ann: httpx.Client) -> str:
    """A token of hers with all that she may."""
    return str(token_of(ann, "ann")["token"])


def token_of(browser: httpx.Client, name: str, *scopes: str, expires_in: int = 3600) -> dict[str, Any]:
    """A new token, by the hub's own page."""
    found = re.search(r'xsrf_token: "([^"]+)"', browser.get("hub/token").text)
    assert found is not None
    wanted = {"note": "test", "expires_in": expires_in} | ({"scopes": list(scopes)} if scopes else {})
    answer = browser.post(f"hub/api/users/{name}/tokens", params={"_xsrf": found[1]}, json=wanted)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def as_program(hub: RunningHub, secret: str) -> httpx.Client:
    return httpx.Client(
        base_url=f"{hub.service_url}api/v1/", headers={"Authorization": f"Bearer {secret}"}, timeout=30, trust_env=False
    )


def refused(answer: httpx.Response, status: int, reason: str) -> None:
    assert (answer.status_code, answer.json().get("reason")) == (status, reason), answer.text


def seconds_until_refused(*clients: httpx.Client) -> float:
    """How long until the tokens or cookies of all of them are worth nothing; they are used all the time."""
    begun = time.monotonic()
    until(lambda: {client.get("me").status_code for client in clients} == {401}, 2 * SOON_S)
    return time.monotonic() - begun


# Programs


def test_a_token_of_the_hub_says_who_it_is_and_what_it_may(hub: RunningHub, secret: str) -> None:
    with as_program(hub, secret) as program:
        found = program.get("me").json()
    assert (found["name"], found["kind"]) == ("ann", "hub-token")
    assert {"recordings:read", "recordings:write", "jobs:submit", "jobs:cancel", "voices:write"} <= set(found["scopes"])
    assert "admin" not in found["scopes"]


def test_a_batch_user_has_the_api_and_no_pages(hub: RunningHub) -> None:
    with closing(hub.sign_in("bat", "batch")) as browser:
        with as_program(hub, token_of(browser, "bat")["token"]) as program:
            scopes = set(program.get("me").json()["scopes"])
        assert browser.get(f"{hub.service_url}sign-in").status_code == 403
    assert scopes == {
        "recordings:read",
        "recordings:write",
        "jobs:read",
        "jobs:submit",
        "jobs:cancel",
        "tokens",
    }


def test_a_viewer_is_let_in_nowhere_at_the_service(hub: RunningHub) -> None:
    with closing(hub.sign_in("vera", "viewer")) as browser:
        assert browser.get(f"{hub.service_url}sign-in").status_code == 403
        refused(browser.get(f"{hub.service_url}api/v1/me"), 401, "no-token")


def test_a_token_of_one_scope_has_that_scope(hub: RunningHub, ann: httpx.Client) -> None:
    with as_program(hub, token_of(ann, "ann", "custom:speaksep:jobs:read")["token"]) as program:
        assert program.get("me").json()["scopes"] == ["jobs:read"]
        refused(program.get("tokens"), 403, "missing-scope")


def test_tokens_are_made_listed_and_revoked_over_the_service(hub: RunningHub, secret: str) -> None:
    with as_program(hub, secret) as program:
        wanted = {"note": "nightly", "scopes": ["jobs:submit"], "expires_in": 600}
        made = program.post("tokens", json=wanted).json()
        assert (made["note"], made["scopes"]) == ("nightly", ["jobs:read", "jobs:submit"])
        assert made["expires_at"] == pytest.approx(time.time() + 600, abs=20)
        listed = {each["id"]: each for each in program.get("tokens").json()["items"]}
        assert listed[made["id"]]["scopes"] == ["jobs:read", "jobs:submit"]
        assert "token" not in listed[made["id"]]
        with as_program(hub, made["token"]) as other:
            assert other.get("me").json()["token_id"] == made["id"]
            refused(other.post("tokens", json=wanted), 403, "missing-scope")
            assert program.delete(f"tokens/{made['id']}").status_code == 204
            assert seconds_until_refused(other) < SOON_S


def test_no_token_makes_one_that_may_do_more(hub: RunningHub, ann: httpx.Client) -> None:
    small = token_of(ann, "ann", "custom:speaksep:jobs:read", "tokens!user")
    with as_program(hub, small["token"]) as program:
        refused(program.post("tokens", json={"scopes": ["jobs:submit"], "expires_in": 60}), 403, "missing-scope")
        assert program.post("tokens", json={"expires_in": 60}).json()["scopes"] == ["jobs:read", "tokens"]


@pytest.mark.parametrize("id_", ["a999999", "nonsense", "a1%2f..%2f..%2fbob", "..", "a1?x=y"])
def test_tokens_that_are_not_ones_own_are_unknown(hub: RunningHub, secret: str, id_: str) -> None:
    with as_program(hub, secret) as program:
        answer = program.delete(f"tokens/{id_}")
    assert answer.status_code in (404, 405), answer.text


def test_the_token_of_somebody_else_stays(hub: RunningHub, secret: str) -> None:
    with closing(hub.sign_in("bob", "researcher")) as browser:
        his = token_of(browser, "bob")
    with as_program(hub, secret) as program, as_program(hub, his["token"]) as bob:
        refused(program.delete(f"tokens/{his['id']}"), 404, "unknown-token")
        assert bob.get("me").status_code == 200


# What was revoked


def test_a_revoked_token_is_refused_soon_and_so_is_what_was_signed_for_it(hub: RunningHub, ann: httpx.Client) -> None:
    made = token_of(ann, "ann")
    with as_program(hub, made["token"]) as program:
        signed = program.post("token").json()["access_token"]
        with as_program(hub, signed) as other:
            assert program.get("me").status_code == other.get("me").status_code == 200
            page = ann.get("hub/token").text
            xsrf = re.search(r'xsrf_token: "([^"]+)"', page)
            assert xsrf is not None
            gone = ann.delete(f"hub/api/users/ann/tokens/{made['id']}", params={"_xsrf": xsrf[1]})
            assert gone.status_code == 204
            assert seconds_until_refused(program, other) < SOON_S
            refused(program.get("me"), 401, "bad-token")


def test_a_token_that_is_over_is_refused(hub: RunningHub, ann: httpx.Client) -> None:
    with as_program(hub, token_of(ann, "ann", expires_in=1)["token"]) as program:
        assert seconds_until_refused(program) < SOON_S + 1


def test_whoever_loses_a_role_loses_its_scopes_with_the_same_token(hub: RunningHub) -> None:
    with closing(hub.sign_in("eve", "researcher")) as browser:
        secret = token_of(browser, "eve")["token"]
    with as_program(hub, secret) as program:
        signed = program.post("token").json()["access_token"]
        with as_program(hub, signed) as other:
            assert "jobs:submit" in other.get("me").json()["scopes"]
            hub.sign_in("eve", "viewer").close()
            begun = time.monotonic()
            until(lambda: program.get("me").json().get("scopes") == ["dashboards:view"], 2 * SOON_S)
            until(lambda: other.get("me").json().get("scopes") == ["dashboards:view"], 2 * SOON_S)
            assert time.monotonic() - begun < SOON_S


def test_while_the_hub_is_away_nobody_is_let_in_and_afterwards_all_are(hub: RunningHub, secret: str) -> None:
    with as_program(hub, secret) as program:
        assert program.get("me").status_code == 200
        process = hub.part("hub")
        process.send_signal(signal.SIGSTOP)
        try:
            until(lambda: program.get("me").status_code == 503, 3 * SOON_S)
            answer = program.get("me")
            refused(answer, 503, "hub-unreachable")
            assert int(answer.headers["retry-after"]) > 0
            assert httpx.get(f"{hub.service_url}health").status_code == 200
            assert httpx.get(f"{hub.service_url}ready").json()["checks"]["identity"] != "ok"
        finally:
            process.send_signal(signal.SIGCONT)
        until(lambda: program.get("me").status_code == 200, 3 * SOON_S)


# Browsers


def go(browser: httpx.Client, address: str) -> httpx.Response:
    """One step, without following where it leads."""
    return browser.get(address, follow_redirects=False)


def back_from_the_hub(hub: RunningHub, browser: httpx.Client) -> str:
    """Begin to sign in at the service, and go until the hub sends the browser back: the address that it is sent to."""
    begun = go(browser, f"{hub.service_url}sign-in")
    assert begun.status_code == 303
    at_hub = go(browser, begun.headers["location"])
    assert at_hub.status_code == 302, at_hub.text
    return str(httpx.URL(hub.url).join(at_hub.headers["location"]))


@pytest.fixture
def browser(ann: httpx.Client) -> Iterator[httpx.Client]:
    """Another browser with the cookies of the hub that hers has, and none of the service."""
    with httpx.Client(base_url=ann.base_url, follow_redirects=True, timeout=60, trust_env=False) as browser:
        for cookie in ann.cookies.jar:
            if "/services/" not in cookie.path:
                browser.cookies.jar.set_cookie(cookie)
        yield browser


def test_the_hub_is_asked_with_state_and_pkce(hub: RunningHub, browser: httpx.Client) -> None:
    begun = go(browser, f"{hub.service_url}sign-in")
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) >= 32
    assert len(asked["code_challenge"][0]) == 43
    assert asked["redirect_uri"] == ["/services/speaksep/oauth_callback"]


def test_a_browser_signs_in_and_comes_to_the_page_it_wanted(hub: RunningHub, browser: httpx.Client) -> None:
    answer = browser.get(f"{hub.service_url}sign-in", params={"next": "/services/speaksep/docs"})
    assert answer.url.path == "/services/speaksep/docs"
    found = browser.get(f"{hub.service_url}api/v1/me").json()
    assert (found["name"], found["kind"]) == ("ann", "cookie")
    assert "tokens" not in found["scopes"]


def test_a_code_works_once(hub: RunningHub, browser: httpx.Client) -> None:
    address = back_from_the_hub(hub, browser)
    pending = {cookie.name: cookie.value or "" for cookie in browser.cookies.jar if "sign-in-" in cookie.name}
    assert go(browser, address).status_code == 303
    again = httpx.get(address, headers={"Cookie": "; ".join(f"{name}={value}" for name, value in pending.items())})
    refused(again, 403, "bad-code")
    assert "speaksep-session" not in again.headers.get("set-cookie", "")
    refused(go(browser, address), 403, "bad-state")


def test_a_code_works_in_the_browser_that_asked_for_it(hub: RunningHub, browser: httpx.Client) -> None:
    answer = httpx.get(back_from_the_hub(hub, browser))
    refused(answer, 403, "bad-state")


def test_a_state_is_not_guessed(hub: RunningHub, browser: httpx.Client) -> None:
    address = httpx.URL(back_from_the_hub(hub, browser))
    wrong = address.copy_set_param("state", address.params["state"][:-1] + "!")
    refused(go(browser, str(wrong)), 403, "bad-state")
    refused(go(browser, str(address.copy_remove_param("state"))), 403, "bad-state")


def test_the_code_of_another_sign_in_is_refused(hub: RunningHub, ann: httpx.Client, browser: httpx.Client) -> None:
    """Somebody has another person's browser finish a sign-in that was begun elsewhere: PKCE does not fit."""
    mine = httpx.URL(back_from_the_hub(hub, browser))
    with httpx.Client(base_url=hub.url, cookies=ann.cookies, timeout=60, trust_env=False) as other:
        foreign = httpx.URL(back_from_the_hub(hub, other))
    refused(go(browser, str(mine.copy_set_param("code", foreign.params["code"]))), 403, "bad-code")


def test_what_the_hub_refuses_is_said(hub: RunningHub, browser: httpx.Client) -> None:
    address = httpx.URL(back_from_the_hub(hub, browser)).copy_remove_param("code")
    refused(go(browser, str(address.copy_set_param("error", "access_denied"))), 403, "sign-in-refused")


@pytest.mark.parametrize(
    "wanted",
    [
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/hub/home",
        "/user/bob/",
        "/services/speaksep/../../user/bob/",
    ],
)
def test_nobody_is_led_elsewhere_after_signing_in(hub: RunningHub, browser: httpx.Client, wanted: str) -> None:
    begun = browser.get(f"{hub.service_url}sign-in", params={"next": wanted}, follow_redirects=False)
    at_hub = go(browser, begun.headers["location"])
    done = go(browser, at_hub.headers["location"])
    assert (done.status_code, done.headers["location"]) == (303, "/services/speaksep/")


def test_another_page_cannot_write_in_a_signed_in_browser(hub: RunningHub, browser: httpx.Client) -> None:
    browser.get(f"{hub.service_url}sign-in")
    address = f"{hub.service_url}api/v1/jobs"
    refused(browser.post(address, json={"notebook": "separate"}), 403, "xsrf")
    xsrf = next(cookie.value for cookie in browser.cookies.jar if cookie.name == "speaksep-xsrf")
    answer = browser.post(address, json={"notebook": "no-such"}, headers={"X-XSRFToken": xsrf or ""})
    assert answer.status_code in (400, 404, 422)


def test_whoever_signs_out_is_out_everywhere(hub: RunningHub) -> None:
    browser = hub.sign_in("sid", "researcher")
    browser.get(f"{hub.service_url}sign-in")
    copy = httpx.Client(base_url=f"{hub.service_url}api/v1/", cookies=browser.cookies, trust_env=False)
    assert copy.get("me").json()["name"] == "sid"
    left = browser.get(f"{hub.service_url}sign-out")
    assert left.url.path == "/hub/login"
    assert seconds_until_refused(copy) < SOON_S
    assert browser.get("hub/home").url.path != "/hub/home"
    browser.close()
    copy.close()


def test_signing_out_at_the_hub_ends_the_session_at_the_service(hub: RunningHub) -> None:
    browser = hub.sign_in("sue", "researcher")
    browser.get(f"{hub.service_url}sign-in")
    with httpx.Client(base_url=f"{hub.service_url}api/v1/", cookies=browser.cookies, trust_env=False) as copy:
        assert copy.get("me").json()["name"] == "sue"
        browser.get("hub/logout")
        assert seconds_until_refused(copy) < SOON_S
    browser.close()


def test_who_came_and_went_is_in_the_audit_trail(hub: RunningHub) -> None:
    with closing(hub.sign_in("tess", "researcher")) as browser:
        browser.get(f"{hub.service_url}sign-in")
        with as_program(hub, token_of(browser, "tess")["token"]) as program:
            program.post("token")
            made = program.post("tokens", json={"scopes": ["jobs:read"], "expires_in": 60}).json()
            program.delete(f"tokens/{made['id']}")
        with as_program(hub, made["token"]) as gone:
            seconds_until_refused(gone)
        browser.get(f"{hub.service_url}sign-out")
    written = [each for each in entries(hub.folder / "audit") if each["service"] == "speaksep"]
    of_tess = {name_of(str(each["__schema__"])) for each in written if each["actor"] == "tess"}
    assert {"sign-in", "sign-out", "token-made", "token-revoked", "token-exchanged"} <= of_tess
    assert "refusal" in {name_of(str(each["__schema__"])) for each in written}
    assert all(each["address"] and each["request_id"] for each in written)
