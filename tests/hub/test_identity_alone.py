"""Who may do what at a service without a hub: tokens of a file, signed tokens, browsers that signed in with a token."""

from __future__ import annotations

import base64
import re
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from speaksep_hub.service.identity.exchange import Exchange
from speaksep_hub.service.identity.revoked import Revoked
from speaksep_hub.service.identity.signing import SigningKeys
from speaksep_hub.service.identity.token_file import TokenFile
from tests.hub.service_process import ServiceProcess


@pytest.fixture(scope="module")
def service_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service whose patience with these tests is greater than with strangers."""
    more = {f"SPEAKSEP_HUB__PROTECTION__{group}": "100000/minute" for group in ("GUESS", "TOKEN")}
    service = ServiceProcess(tmp_path_factory.mktemp("identity"), **more).start()
    yield service
    service.stop()


@pytest.fixture
def file(service_process: ServiceProcess) -> TokenFile:
    return TokenFile(service_process.folder / "tokens.toml")


@pytest.fixture
def exchange(service_process: ServiceProcess) -> Exchange:
    """What the service signs with, in the hands of the test."""
    folder = service_process.folder / "signing"
    keys = SigningKeys(folder, period_s=7 * 86400, longest_s=7 * 86400)
    return Exchange(keys, Revoked(folder / "revoked"), issuer="http://127.0.0.1:8000", life_s=300)


@pytest.fixture
def signed(service_process: ServiceProcess) -> str:
    """A signed token of ann."""
    with service_process.client("ann") as ann:
        return str(ann.post("token").json()["access_token"])


def me(service: ServiceProcess, token: str) -> httpx.Response:
    return httpx.get(f"{service.api}/me", headers={"Authorization": f"Bearer {token}"})


def refused(answer: httpx.Response, status: int, reason: str) -> None:
    """The answer is a refusal, in the one shape of all errors."""
    told = answer.json()
    assert (answer.status_code, told["ok"], told["reason"]) == (status, False, reason), answer.text
    assert told["error"]
    assert told["hint"]
    assert answer.headers["x-request-id"]


# Tokens of the file


def test_everybody_is_known_by_their_token(service_process: ServiceProcess) -> None:
    with service_process.client("bob") as bob:
        found = bob.get("me").json()
    assert (found["name"], found["kind"]) == ("bob", "file-token")
    assert {"jobs:submit", "jobs:read", "recordings:write", "recordings:read"} <= set(found["scopes"])


def test_a_viewer_has_no_scope_of_the_api(service_process: ServiceProcess) -> None:
    with service_process.client("vera") as vera:
        assert vera.get("me").json()["scopes"] == ["dashboards:view"]


def test_without_a_token_it_is_said_how_to_get_one(service_process: ServiceProcess) -> None:
    with service_process.client(None) as nobody:
        answer = nobody.get("me")
    refused(answer, 401, "no-token")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"Bearer", id="no token"),
        pytest.param(b"Bearer unknown", id="an unknown token"),
        pytest.param(b"Basic YW5uOmFubg==", id="another scheme"),
        pytest.param(b"Bearer " + b"x" * 5000, id="a very long token"),
        pytest.param(b"Bearer t\xf6ken", id="not ascii"),
        pytest.param(b"Bearer eyJh.eyJh.eyJh", id="nothing in three parts"),
        pytest.param(b"Bearer ..", id="two dots"),
        pytest.param(b"Bearer a b", id="two words"),
    ],
)
def test_what_is_no_token_is_refused(service_process: ServiceProcess, header: bytes) -> None:
    answer = httpx.get(f"{service_process.api}/me", headers=[(b"Authorization", header)])
    refused(answer, 401, "bad-token")


def test_a_token_in_the_address_is_no_token(service_process: ServiceProcess) -> None:
    answer = httpx.get(f"{service_process.api}/me", params={"token": service_process.tokens["ann"]})
    refused(answer, 401, "no-token")


def test_a_token_that_is_over_is_refused(service_process: ServiceProcess, file: TokenFile) -> None:
    entry, token = TokenFile(file.path, clock=lambda: time.time() - 100).make("ann", role="researcher", life_s=99.0)
    refused(me(service_process, token), 401, "bad-token")
    file.revoke(entry.shown_id)


def test_a_token_that_is_taken_out_of_the_file_is_refused_at_once(
    service_process: ServiceProcess, file: TokenFile
) -> None:
    entry, token = file.make("ann", role="researcher", life_s=60)
    assert me(service_process, token).status_code == 200
    file.revoke(entry.shown_id)
    refused(me(service_process, token), 401, "bad-token")


def test_a_file_that_others_may_read_is_not_used(service_process: ServiceProcess, file: TokenFile) -> None:
    file.path.chmod(0o644)
    try:
        refused(me(service_process, service_process.tokens["ann"]), 500, "bad-token-file")
    finally:
        file.path.chmod(0o600)
    assert me(service_process, service_process.tokens["ann"]).status_code == 200


def test_a_scope_that_is_missing_is_named(service_process: ServiceProcess, file: TokenFile) -> None:
    entry, token = file.make("ann", scopes=["jobs:read"], life_s=60)
    answer = httpx.get(f"{service_process.api}/tokens", headers={"Authorization": f"Bearer {token}"})
    refused(answer, 403, "missing-scope")
    assert "tokens is missing" in answer.json()["error"]
    file.revoke(entry.shown_id)


def answers_to_everything(service: ServiceProcess, **headers: str) -> dict[tuple[str, str], int]:
    """The status of everything that the API offers, asked of things that are nobody's; by method and address."""
    with httpx.Client(base_url=service.url, headers=headers, timeout=30) as client:
        paths = client.get("openapi.json").json()["paths"]
        found = [(method.upper(), path) for path, methods in paths.items() for method in methods]
        named = [(method, re.sub(r"{[^}]+}", "0", path).lstrip("/")) for method, path in found]
        return {each: client.request(*each).status_code for each in named}


OPEN = {("GET", "api/v1/keys"), ("GET", "health"), ("GET", "ready"), ("OPTIONS", "api/v1/uploads")}
"""What everybody may ask."""


def test_nothing_but_the_public_keys_is_told_to_nobody(service_process: ServiceProcess) -> None:
    answers = answers_to_everything(service_process)
    assert len(answers) > 40
    assert {each for each, status in answers.items() if status != 401} == OPEN


def test_a_viewer_may_do_nothing_by_the_api(service_process: ServiceProcess) -> None:
    answers = answers_to_everything(service_process, Authorization=f"Bearer {service_process.tokens['vera']}")
    own = {("GET", "api/v1/me"), ("POST", "api/v1/token"), ("DELETE", "api/v1/token")}
    assert {each for each, status in answers.items() if status != 403} == OPEN | own


# Tokens by the API


def test_tokens_are_listed_made_and_revoked(service_process: ServiceProcess) -> None:
    with service_process.client("ann") as ann:
        wanted = {"note": "nightly", "scopes": ["jobs:submit"], "expires_in": 600}
        made = ann.post("tokens", json=wanted)
        assert made.status_code == 201
        new = made.json()
        assert (new["note"], new["scopes"]) == ("nightly", ["jobs:read", "jobs:submit"])
        assert new["expires_at"] == pytest.approx(time.time() + 600, abs=10)
        assert me(service_process, new["token"]).json()["token_id"] == new["id"]
        listed = {each["id"]: each for each in ann.get("tokens").json()["items"]}
        assert listed[new["id"]] == {name: value for name, value in new.items() if name != "token"}
        assert ann.delete(f"tokens/{new['id']}").status_code == 204
        refused(me(service_process, new["token"]), 401, "bad-token")
        refused(ann.delete(f"tokens/{new['id']}"), 404, "unknown-token")


def test_no_token_makes_one_that_may_do_more_or_lives_longer(service_process: ServiceProcess) -> None:
    with service_process.client("ann") as ann:
        small = ann.post("tokens", json={"scopes": ["jobs:read", "tokens"], "expires_in": 600}).json()
    with service_process.client(None, headers={"Authorization": f"Bearer {small['token']}"}) as client:
        refused(client.post("tokens", json={"scopes": ["jobs:submit"]}), 403, "missing-scope")
        child = client.post("tokens", json={"expires_in": 86400}).json()
        assert set(child["scopes"]) == {"jobs:read", "tokens"}
        assert child["expires_at"] - child["made_at"] <= 600


def test_tokens_of_somebody_else_are_unknown(service_process: ServiceProcess) -> None:
    with service_process.client("ann") as ann, service_process.client("bob") as bob:
        own = ann.get("me").json()["token_id"]
        refused(bob.delete(f"tokens/{own}"), 404, "unknown-token")
        assert own not in {each["id"] for each in bob.get("tokens").json()["items"]}
        assert ann.get("me").status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        pytest.param({"scopes": ["everything"]}, 400, "unknown-scope", id="a scope that is none"),
        pytest.param({"scopes": ["jobs:read"] * 51}, 422, "bad-request", id="too many scopes"),
        pytest.param({"expires_in": 0}, 422, "bad-request", id="over at once"),
        pytest.param({"expires_in": "soon"}, 422, "bad-request", id="no number"),
        pytest.param({"note": "n" * 201}, 422, "bad-request", id="a long note"),
        pytest.param({"owner": "bob"}, 422, "bad-request", id="a field that is none"),
        pytest.param([], 422, "bad-request", id="a list"),
    ],
)
def test_wrong_wishes_for_a_token_are_refused(
    service_process: ServiceProcess, body: Any, status: int, reason: str
) -> None:
    with service_process.client("ann") as ann:
        refused(ann.post("tokens", json=body), status, reason)


def test_a_note_may_hold_anything(service_process: ServiceProcess, file: TokenFile) -> None:
    note = '“]]\n[[tokens]]\nname = "ada"\x7f\x00 \'ü'
    with service_process.client("ann") as ann:
        made = ann.post("tokens", json={"note": note, "scopes": ["jobs:read"], "expires_in": 60}).json()
        assert {each["id"]: each["note"] for each in ann.get("tokens").json()["items"]}[made["id"]] == note
        ann.delete(f"tokens/{made['id']}")


# Signed tokens


def test_a_signed_token_can_be_checked_with_the_public_keys_alone(service_process: ServiceProcess, signed: str) -> None:
    keys = jwt.PyJWKSet.from_dict(httpx.get(f"{service_process.api}/keys").json())
    key = keys[jwt.get_unverified_header(signed)["kid"]]
    claims = jwt.decode(signed, key, algorithms=["EdDSA"], audience="speaksep", issuer="http://127.0.0.1:8000")
    assert claims["sub"] == "ann"
    assert claims["exp"] - claims["iat"] == 300
    assert "jobs:submit" in claims["scope"].split()
    assert service_process.tokens["ann"] not in base64.urlsafe_b64decode(signed.split(".")[1] + "==").decode()


def test_a_signed_token_is_as_good_as_the_one_behind_it(service_process: ServiceProcess, signed: str) -> None:
    with service_process.client("ann") as ann:
        parent = ann.get("me").json()
    found = me(service_process, signed).json()
    assert (found["name"], found["kind"]) == ("ann", "jwt")
    assert set(found["scopes"]) == set(parent["scopes"]) - {"tokens"}
    assert found["token_id"].startswith(f"{parent['token_id']}/")


def test_a_signed_token_has_the_scopes_that_were_asked_for(service_process: ServiceProcess) -> None:
    with service_process.client("ann") as ann:
        made = ann.post("token", json={"scopes": ["jobs:submit"], "expires_in": 60}).json()
        refused(ann.post("token", json={"scopes": ["admin"]}), 403, "missing-scope")
    assert made["expires_in"] <= 60
    assert me(service_process, made["access_token"]).json()["scopes"] == ["jobs:read", "jobs:submit"]


def test_a_signed_token_gets_no_other_tokens(service_process: ServiceProcess, signed: str) -> None:
    with service_process.client(None, headers={"Authorization": f"Bearer {signed}"}) as client:
        refused(client.post("token"), 403, "not-exchangeable")
        refused(client.post("tokens", json={"scopes": ["jobs:read"]}), 403, "missing-scope")


def test_a_signed_token_ends_with_the_one_behind_it(service_process: ServiceProcess, file: TokenFile) -> None:
    entry, token = file.make("ann", role="researcher", life_s=60)
    made = httpx.post(f"{service_process.api}/token", headers={"Authorization": f"Bearer {token}"}).json()
    assert made["expires_in"] <= 60
    assert me(service_process, made["access_token"]).status_code == 200
    file.revoke(entry.shown_id)
    refused(me(service_process, made["access_token"]), 401, "bad-token")


def test_a_signed_token_can_be_ended_by_itself(service_process: ServiceProcess, signed: str) -> None:
    with service_process.client(None, headers={"Authorization": f"Bearer {signed}"}) as client:
        assert client.delete("token").status_code == 204
        refused(client.get("me"), 401, "bad-token")
    with service_process.client("ann") as ann:
        refused(ann.delete("token"), 400, "not-signed")
        assert ann.get("me").status_code == 200


def _forged(signed: str, change: Callable[[dict[str, Any]], None], key: Any, algorithm: str | None) -> str:
    claims = jwt.decode(signed, options={"verify_signature": False})
    change(claims)
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": jwt.get_unverified_header(signed)["kid"]})


def _public(service: ServiceProcess) -> bytes:
    return base64.urlsafe_b64decode(httpx.get(f"{service.api}/keys").json()["keys"][-1]["x"] + "==")


FORGED: dict[str, Callable[[ServiceProcess, Exchange, str], str]] = {
    "signed by another key": lambda service, ours, token: _forged(
        token, lambda claims: None, Ed25519PrivateKey.generate(), "EdDSA"
    ),
    "not signed": lambda service, ours, token: _forged(token, lambda claims: None, None, "none"),
    "signed with the public key as a password": lambda service, ours, token: _forged(
        token, lambda claims: None, _public(service), "HS256"
    ),
    "for another service": lambda service, ours, token: _forged(
        token, lambda claims: claims.update(aud="other"), ours.keys.current().private, "EdDSA"
    ),
    "of another platform": lambda service, ours, token: _forged(
        token, lambda claims: claims.update(iss="https://elsewhere.example"), ours.keys.current().private, "EdDSA"
    ),
    "in another name": lambda service, ours, token: _forged(
        token, lambda claims: claims.update(sub="ada"), ours.keys.current().private, "EdDSA"
    ),
    "over": lambda service, ours, token: _forged(
        token, lambda claims: claims.update(exp=int(time.time()) - 1), ours.keys.current().private, "EdDSA"
    ),
    "from the far future": lambda service, ours, token: _forged(
        token, lambda claims: claims.update(iat=int(time.time()) + 9999), ours.keys.current().private, "EdDSA"
    ),
    "without an end": lambda service, ours, token: _forged(
        token, lambda claims: claims.pop("exp"), ours.keys.current().private, "EdDSA"
    ),
    "with another number": lambda service, ours, token: _forged(
        token, lambda claims: claims.update(jti=secrets.token_hex(16)), ours.keys.current().private, "EdDSA"
    ),
    "with a path for a number": lambda service, ours, token: _forged(
        token, lambda claims: claims.update(jti="../../tokens.toml"), ours.keys.current().private, "EdDSA"
    ),
    "with nothing behind it": lambda service, ours, token: _forged(
        token, lambda claims: claims.update(hub=""), ours.keys.current().private, "EdDSA"
    ),
    "with claims that are no words": lambda service, ours, token: _forged(
        token, lambda claims: claims.update(scope=7, hub=[1]), ours.keys.current().private, "EdDSA"
    ),
    "with its last letter changed": lambda service, ours, token: token[:-4] + "AAAA",
}


@pytest.mark.parametrize("forge", [pytest.param(forge, id=name) for name, forge in FORGED.items()])
def test_a_forged_token_is_refused(
    service_process: ServiceProcess, exchange: Exchange, signed: str, forge: Callable[..., str]
) -> None:
    refused(me(service_process, forge(service_process, exchange, signed)), 401, "bad-token")


def test_what_the_test_signs_itself_is_good(service_process: ServiceProcess, exchange: Exchange, signed: str) -> None:
    """So that the forgeries above are refused for what is wrong with them."""
    again = _forged(signed, lambda claims: None, exchange.keys.current().private, "EdDSA")
    assert me(service_process, again).json()["name"] == "ann"


def test_a_signed_token_outlives_a_change_of_keys_but_not_their_loss(
    service_process: ServiceProcess, exchange: Exchange, signed: str
) -> None:
    before = jwt.get_unverified_header(signed)["kid"]
    new = exchange.keys.rotate()
    with service_process.client("ann") as ann:
        assert jwt.get_unverified_header(ann.post("token").json()["access_token"])["kid"] == new.id
    assert {before, new.id} <= {key["kid"] for key in httpx.get(f"{service_process.api}/keys").json()["keys"]}
    assert me(service_process, signed).status_code == 200
    exchange.keys.rotate(forget=True)
    refused(me(service_process, signed), 401, "bad-token")


# Browsers


@pytest.fixture
def browser(service_process: ServiceProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service_process.url, timeout=30) as client:
        yield client


@pytest.fixture
def signed_in(service_process: ServiceProcess, browser: httpx.Client) -> httpx.Client:
    form = {"token": service_process.tokens["ann"], "next": "/docs"}
    answer = browser.post("/sign-in", data=form, headers={"Origin": service_process.url.rstrip("/")})
    assert (answer.status_code, answer.headers["location"]) == (303, "/docs"), answer.text
    return browser


def test_a_page_sends_a_browser_to_sign_in_and_back(service_process: ServiceProcess, browser: httpx.Client) -> None:
    answer = browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2F")
    assert 'name="token"' in browser.get(answer.headers["location"]).text


def test_a_browser_that_signed_in_is_known(signed_in: httpx.Client) -> None:
    assert signed_in.get("/api/v1/me").json()["kind"] == "cookie"


def test_cookies_are_closed_to_scripts_other_pages_and_others(
    service_process: ServiceProcess, browser: httpx.Client
) -> None:
    form = {"token": service_process.tokens["ann"]}
    answer = browser.post("/sign-in", data=form, headers={"Origin": service_process.url.rstrip("/")})
    session, xsrf = answer.headers.get_list("set-cookie")
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert "SameSite=strict" in xsrf
    assert service_process.tokens["ann"] not in session


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"X-XSRFToken": ""}, id="empty"),
        pytest.param({"X-XSRFToken": "0" * 64}, id="invented"),
        pytest.param({"X-XSRFToken": "\N{LATIN SMALL LETTER U WITH DIAERESIS}".encode("latin-1")}, id="odd"),
    ],
)
def test_another_page_cannot_write_with_the_cookie(signed_in: httpx.Client, headers: dict[str, Any]) -> None:
    refused(signed_in.post("/api/v1/tokens", json={"scopes": ["jobs:read"]}, headers=headers), 403, "xsrf")


def test_a_page_of_the_service_can_write_with_the_cookie(signed_in: httpx.Client) -> None:
    headers = {"X-XSRFToken": signed_in.cookies["speaksep-xsrf"]}
    made = signed_in.post("/api/v1/tokens", json={"scopes": ["jobs:read"], "expires_in": 60}, headers=headers)
    assert made.status_code == 201
    assert signed_in.delete(f"/api/v1/tokens/{made.json()['id']}", headers=headers).status_code == 204


def test_the_proof_of_another_session_is_none(service_process: ServiceProcess, signed_in: httpx.Client) -> None:
    with httpx.Client(base_url=service_process.url) as other:
        other.post(
            "/sign-in",
            data={"token": service_process.tokens["bob"]},
            headers={"Origin": service_process.url.rstrip("/")},
        )
        foreign = other.cookies["speaksep-xsrf"]
    refused(signed_in.post("/api/v1/token", headers={"X-XSRFToken": foreign}), 403, "xsrf")


def test_people_who_may_not_are_told_on_a_page(service_process: ServiceProcess, browser: httpx.Client) -> None:
    form, headers = {"token": service_process.tokens["vera"]}, {"Origin": service_process.url.rstrip("/")}
    browser.post("/sign-in", data=form, headers=headers)
    answer = browser.get("/", headers={"Accept": "text/html,*/*"})
    assert answer.status_code == 403
    assert "jobs:read is missing" in answer.text
    assert 'href="/sign-out"' in answer.text
    odd = browser.get("/<script>alert(1)</script>", headers={"Accept": "text/html"})
    assert "<script>" not in odd.text
    refused(browser.get("/api/v1/jobs", headers={"Accept": "text/html"}), 403, "missing-scope")


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", ""])
def test_the_form_is_taken_from_our_own_page_only(
    service_process: ServiceProcess, browser: httpx.Client, origin: str
) -> None:
    answer = browser.post("/sign-in", data={"token": service_process.tokens["ann"]}, headers={"Origin": origin})
    refused(answer, 403, "xsrf")
    assert "set-cookie" not in answer.headers


def test_a_wrong_token_signs_nobody_in(service_process: ServiceProcess, browser: httpx.Client) -> None:
    answer = browser.post("/sign-in", data={"token": "wrong"}, headers={"Origin": service_process.url.rstrip("/")})
    refused(answer, 401, "bad-token")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "wanted",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "/\\elsewhere.example/",
        "\\\\elsewhere.example",
        "https:elsewhere.example",
        "javascript:alert(1)",
        "/\t/elsewhere.example",
        "/docs\r\nSet-Cookie: a=b",
        "http://[",
        "docs",
    ],
)
def test_nobody_is_led_elsewhere(service_process: ServiceProcess, browser: httpx.Client, wanted: str) -> None:
    form = {"token": service_process.tokens["ann"], "next": wanted}
    answer = browser.post("/sign-in", data=form, headers={"Origin": service_process.url.rstrip("/")})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_an_address_that_looks_like_another_host_leads_back_home(browser: httpx.Client) -> None:
    answer = browser.get("/sign-in", params={"next": '"><script>alert(1)</script>'})
    assert "<script>" not in answer.text


@pytest.mark.parametrize("damage", ["cut", "changed", "invented", "of another key"])
def test_a_damaged_cookie_is_none(service_process: ServiceProcess, signed_in: httpx.Client, damage: str) -> None:
    cookie = signed_in.cookies["speaksep-session"]
    made = {
        "cut": cookie[:-10],
        "changed": cookie[:-6] + "AAAAAA",
        "invented": "x.y",
        "of another key": f"{'0' * 16}{cookie[16:]}",
    }[damage]
    answer = httpx.get(f"{service_process.api}/me", headers={"Cookie": f"speaksep-session={made}"})
    refused(answer, 401, "no-token")


def test_whoever_signs_out_is_out_also_with_a_copy_of_the_cookie(
    service_process: ServiceProcess, signed_in: httpx.Client
) -> None:
    copy = signed_in.cookies["speaksep-session"]
    answer = signed_in.get("/sign-out")
    assert answer.status_code == 303
    assert "speaksep-session" not in signed_in.cookies
    refused(httpx.get(f"{service_process.api}/me", headers={"Cookie": f"speaksep-session={copy}"}), 401, "no-token")


def test_two_processes_of_a_service_know_each_others_tokens_and_sessions(
    service_process: ServiceProcess, start_service: Callable[..., ServiceProcess], signed_in: httpx.Client, signed: str
) -> None:
    other = start_service(beside=service_process)
    assert me(other, signed).json()["name"] == "ann"
    cookie = {"Cookie": f"speaksep-session={signed_in.cookies['speaksep-session']}"}
    assert httpx.get(f"{other.api}/me", headers=cookie).json()["kind"] == "cookie"
    httpx.delete(f"{other.api}/token", headers={"Authorization": f"Bearer {signed}"})
    refused(me(service_process, signed), 401, "bad-token")
    httpx.get(f"{other.url}sign-out", headers=cookie)
    refused(httpx.get(f"{service_process.api}/me", headers=cookie), 401, "no-token")
