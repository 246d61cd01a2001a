"""The local sign-in provider: what OAuth promises, and nobody else's browser."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
import uvicorn

from speaksep_hub.local.ports import free_ports
from speaksep_hub.local.provider import grants
from speaksep_hub.local.provider.app import Provider
from speaksep_hub.local.provider.grants import Grants, challenge_of
from speaksep_hub.local.provider.peer import owner_of

HUB = "http://127.0.0.1:8000"
CALLBACK = f"{HUB}/hub/oauth_callback"
SECRET = "of-the-client-and-nobody-else-0123456789"
VERIFIER = "v" * 64
QUESTION = {
    "response_type": "code",
    "client_id": "speaksep",
    "redirect_uri": CALLBACK,
    "state": "of-the-hub",
    "code_challenge": challenge_of(VERIFIER),
    "code_challenge_method": "S256",
}
GROUPS = {"researcher": ("speaksep-researchers",), "viewer": ("lookers",), "batch": ("b",), "admin": ("a", "b")}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider that listens; its address."""
    [port] = free_ports(1)
    issuer = f"http://127.0.0.1:{port}"
    app = Provider(Grants(issuer, "speaksep", SECRET, "key" * 20), HUB, GROUPS).app()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield issuer
    server.should_exit = True
    thread.join()


@pytest.fixture
def browser(issuer: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=issuer, trust_env=False) as client:
        yield client


def sent_back(answer: httpx.Response) -> dict[str, str]:
    """Parameters of the address that the browser is sent to."""
    assert answer.status_code == 303
    assert answer.headers["location"].partition("?")[0] == CALLBACK
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def a_code(browser: httpx.Client, **who: str) -> str:
    answer = browser.post("/oauth2/authorize", params=QUESTION, data={"name": "researcher", **who})
    return sent_back(answer)["code"]


def redeem(browser: httpx.Client, code: str, **other: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": "speaksep",
        "client_secret": SECRET,
    }
    return browser.post("/oauth2/token", data={**form, **other})


@pytest.mark.parametrize(
    ("who", "name", "groups"),
    [
        ({"name": "researcher"}, "researcher", ["speaksep-researchers"]),
        ({"name": "viewer"}, "viewer", ["lookers"]),
        ({"name": "ada-2", "role": "admin"}, "ada-2", ["a", "b"]),
    ],
    ids=["persona", "another", "own-name"],
)
def test_from_the_page_to_the_claims(browser, issuer, who, name, groups):
    page = browser.get("/oauth2/authorize", params=QUESTION)
    assert all(f'value="{role}"' in page.text for role in GROUPS)
    tokens = redeem(browser, a_code(browser, **who)).json()
    claims = browser.get("/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}).json()
    assert (claims["sub"], claims["preferred_username"], claims["groups"]) == (name, name, groups)
    identity = jwt.decode(tokens["id_token"], SECRET, ["HS256"], audience="speaksep", issuer=issuer)
    assert identity["groups"] == groups


def test_state_comes_back(browser):
    answer = browser.post("/oauth2/authorize", params=QUESTION, data={"name": "viewer"})
    assert sent_back(answer)["state"] == "of-the-hub"


def test_who_cancels_is_sent_back_without_a_code(browser):
    answer = browser.post("/oauth2/authorize", params=QUESTION, data={"cancel": "yes"})
    assert sent_back(answer) == {"state": "of-the-hub", "error": "access_denied"}


def test_a_code_is_good_once(browser):
    code = a_code(browser)
    assert redeem(browser, code).status_code == 200
    again = redeem(browser, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("wrong", "status", "error"),
    [
        ({"code_verifier": "w" * 64}, 400, "invalid_grant"),
        ({"code_verifier": ""}, 400, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:8000/elsewhere"}, 400, "invalid_grant"),
        ({"client_secret": "guessed"}, 401, "invalid_client"),
        ({"client_id": "another"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"code": "guessed"}, 400, "invalid_grant"),
    ],
    ids=["verifier", "no-verifier", "redirect", "secret", "client", "grant", "code"],
)
def test_a_code_is_no_use_to_anybody_else(browser, wrong, status, error):
    answer = redeem(browser, **{"code": a_code(browser), **wrong})
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_code_does_not_keep(browser, monkeypatch):
    monkeypatch.setattr(grants, "CODE_S", 0.0)
    assert redeem(browser, a_code(browser)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "another"},
        {"redirect_uri": "http://evil.example/hub/oauth_callback"},
        {"redirect_uri": CALLBACK + "/"},
        {"response_type": "token"},
        {"state": ""},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
    ],
    ids=["client", "elsewhere", "nearly", "implicit", "no-state", "no-pkce", "plain-pkce"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_wrong_question_leads_nowhere(browser, wrong, method):
    answer = browser.request(method, "/oauth2/authorize", params={**QUESTION, **wrong})
    assert answer.status_code == 403
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"name": "../root", "role": "admin"}, "cannot be a user name"),
        ({"name": "Ada", "role": "admin"}, "cannot be a user name"),
        ({"name": "ada", "role": "god"}, "no role"),
        ({"name": "<script>", "role": ""}, "&lt;script&gt;"),
    ],
    ids=["path", "capital", "role", "markup"],
)
def test_a_bad_name_is_told_on_the_page(browser, form, why):
    answer = browser.post("/oauth2/authorize", params=QUESTION, data=form)
    assert answer.status_code == 400
    assert why in answer.text
    assert "<script>" not in answer.text


def test_another_site_cannot_send_the_form(browser):
    answer = browser.post(
        "/oauth2/authorize", params=QUESTION, data={"name": "admin"}, headers={"Origin": "http://evil.example"}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "token", ["", "Bearer nonsense", "Basic eDp5", "id"], ids=["none", "made-up", "basic", "identity"]
)
def test_userinfo_takes_access_tokens_only(browser, token):
    identity = redeem(browser, a_code(browser)).json()["id_token"]
    header = token.replace("id", f"Bearer {identity}")
    answer = browser.get("/userinfo", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_tokens_outlive_the_provider(browser):
    token = redeem(browser, a_code(browser)).json()["access_token"]
    later = Grants("http://127.0.0.1:1", "speaksep", SECRET, "key" * 20)
    assert later.claims(token)["sub"] == "researcher"


@pytest.mark.parametrize(
    ("target", "status"),
    [(f"{HUB}/hub/login", 303), ("http://evil.example/", 200), ("//evil.example", 200), ("", 200)],
    ids=["hub", "elsewhere", "scheme-less", "none"],
)
def test_sign_out_leads_back_to_the_hub_alone(browser, target, status):
    answer = browser.get("/oauth2/end_session", params={"post_logout_redirect_uri": target})
    assert answer.status_code == status
    assert "evil" not in answer.text + answer.headers.get("location", "")


def test_discovery_names_endpoints_that_are_there(browser, issuer):
    found = browser.get("/.well-known/openid-configuration").json()
    assert found["issuer"] == issuer
    addresses = [value for name, value in found.items() if name.endswith(("_endpoint", "_uri"))]
    assert [browser.get(address).status_code for address in addresses].count(404) == 0


def test_a_name_that_points_here_is_refused(browser):
    answer = browser.get("/oauth2/authorize", params=QUESTION, headers={"Host": "rebound.example:80"})
    assert answer.status_code == 403
    assert "nobody else" in answer.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user to try it")
def test_another_user_of_the_machine_is_refused(issuer):
    # Imports first: the other user may not even read this Python.
    program = (
        "import encodings.idna, http.client, os, sys; os.setuid(65534); "
        "asking = http.client.HTTPConnection(sys.argv[1]); asking.request('GET', '/jwks'); "
        "print(asking.getresponse().status)"
    )
    words = [sys.executable, "-c", program, urlsplit(issuer).netloc]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "403\n"


def test_an_unknown_connection_belongs_to_nobody():
    assert owner_of("127.0.0.1", 1, 2) is None
    assert owner_of("192.0.2.1", 40000, 80) is None
