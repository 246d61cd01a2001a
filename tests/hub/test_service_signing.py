"""Keys that sign and seal: replaced in time, known as long as they matter, shared by processes, nobody else's."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pytest
from starlette.requests import HTTPConnection
from starlette.responses import Response

from speaksep_hub.service.errors import NotAllowed
from speaksep_hub.service.identity.caller import Caller
from speaksep_hub.service.identity.exchange import Exchange
from speaksep_hub.service.identity.revoked import Revoked
from speaksep_hub.service.identity.session import SESSION, XSRF, Sessions
from speaksep_hub.service.identity.sign_in import PENDING, begin
from speaksep_hub.service.identity.signing import SigningKeys
from speaksep_hub.service.place import HubAccess, Place
from speaksep_kernel.errors import InputError, StoreError

DAY_S = 86400.0
ANN = Caller("ann", frozenset({"jobs:read", "jobs:submit", "tokens"}), "hub-token", "a1", secret="the token behind it")


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(tmp_path: Path, clock: Clock) -> SigningKeys:
    return SigningKeys(tmp_path / "keys", period_s=7 * DAY_S, longest_s=DAY_S, clock=clock)


def exchange_of(keys: SigningKeys, clock: Clock, folder: Path) -> Exchange:
    return Exchange(keys, Revoked(folder / "revoked", clock=clock), issuer="https://here", life_s=300, clock=clock)


def test_a_key_is_made_when_there_is_none_and_nobody_else_can_read_it(keys: SigningKeys, tmp_path: Path) -> None:
    key = keys.current()
    assert keys.current() == key
    (path,) = (tmp_path / "keys").glob("*.pem")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "PRIVATE" not in repr(key)


def test_keys_are_replaced_in_time_and_forgotten_when_nothing_of_them_is_left(keys: SigningKeys, clock: Clock) -> None:
    first = keys.current()
    clock.now += 7 * DAY_S - 1
    assert keys.current() == first
    clock.now += 1
    second = keys.current()
    assert second != first
    assert [key.id for key in keys.known()] == [first.id, second.id]
    clock.now += DAY_S - 1
    assert keys.find(first.id) is not None
    clock.now += 1
    assert keys.find(first.id) is None
    assert [key["kid"] for key in keys.public()["keys"]] == [second.id]


def test_a_clock_that_was_put_back_makes_no_old_key_the_newest(keys: SigningKeys, clock: Clock) -> None:
    keys.current()
    clock.now -= DAY_S
    newest = keys.rotate()
    assert keys.current() == newest


def test_public_keys_hold_nothing_private(keys: SigningKeys) -> None:
    keys.current()
    (shown,) = keys.public()["keys"]
    assert shown.keys() == {"kty", "crv", "x", "kid", "use", "alg"}


def test_many_processes_that_need_a_key_at_once_make_one(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        found = list(pool.map(_key_of, [tmp_path / "keys"] * 8))
    assert len(set(found)) == 1
    assert len(list((tmp_path / "keys").glob("*.pem"))) == 1


def _key_of(folder: Path) -> str:
    return SigningKeys(folder, period_s=7 * DAY_S, longest_s=DAY_S).current().id


def test_a_key_of_another_process_is_seen_at_once(keys: SigningKeys, clock: Clock, tmp_path: Path) -> None:
    keys.current()
    other = SigningKeys(tmp_path / "keys", period_s=7 * DAY_S, longest_s=DAY_S, clock=clock).rotate()
    assert keys.current().id == other.id


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(StoreError, match="keys") as raised:
        SigningKeys(tmp_path / "keys", period_s=DAY_S, longest_s=DAY_S).current()
    assert raised.value.reason == "no-signing-keys"


def test_a_torn_key_is_named(keys: SigningKeys, tmp_path: Path) -> None:
    keys.current()
    (path,) = (tmp_path / "keys").glob("*.pem")
    path.write_bytes(path.read_bytes()[:40])
    os.utime(tmp_path / "keys")
    with pytest.raises(StoreError, match=r"cannot be used"):
        keys.current()


# Signed tokens


def test_a_signed_token_ends(keys: SigningKeys, clock: Clock, tmp_path: Path) -> None:
    exchange = exchange_of(keys, clock, tmp_path)
    token, signed = exchange.make(ANN)
    assert exchange.left_s(signed) == 300
    clock.now += 299
    assert exchange.read(token) == signed
    clock.now += 1
    assert exchange.read(token) is None


def test_a_signed_token_never_outlives_the_one_behind_it(keys: SigningKeys, clock: Clock, tmp_path: Path) -> None:
    exchange = exchange_of(keys, clock, tmp_path)
    short = Caller("ann", ANN.scopes, "file-token", "t1", clock.now + 10, "behind")
    assert exchange.left_s(exchange.make(short)[1]) == 10


def test_a_signed_token_loses_what_the_one_behind_it_loses(keys: SigningKeys, clock: Clock, tmp_path: Path) -> None:
    _, signed = exchange_of(keys, clock, tmp_path).make(ANN)
    now = Caller("ann", frozenset({"jobs:read", "admin"}), "hub-token", "a1", secret="behind")
    found = signed.caller(now)
    assert found is not None
    assert found.scopes == {"jobs:read"}


def test_the_token_of_somebody_else_cannot_stand_behind_it(keys: SigningKeys, clock: Clock, tmp_path: Path) -> None:
    _, signed = exchange_of(keys, clock, tmp_path).make(ANN)
    assert signed.caller(Caller("bob", ANN.scopes, "hub-token", "a2")) is None


def test_what_was_revoked_is_cleaned_away_when_it_is_over(clock: Clock, tmp_path: Path) -> None:
    revoked = Revoked(tmp_path, clock=clock)
    revoked.add("a" * 32, clock.now + 10)
    clock.now += 20
    revoked.add("b" * 32, clock.now + 10)
    assert [path.name for path in tmp_path.iterdir()] == ["b" * 32]
    assert "../etc/passwd" in revoked


# Browsers


def connection_of(method: str = "GET", path: str = "/", **headers: str) -> HTTPConnection:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "method": method, "path": path, "headers": raw})


def test_a_session_ends(keys: SigningKeys, clock: Clock, tmp_path: Path) -> None:
    sessions = Sessions(keys, Place("/s/"), Revoked(tmp_path / "r", clock=clock), life_s=100, clock=clock)
    response = Response()
    begun = sessions.begin(response, "secret")
    cookie = response.headers.getlist("set-cookie")[0].partition(";")[0]
    assert sessions.read(connection_of(cookie=cookie)) == begun
    clock.now += 100
    assert sessions.read(connection_of(cookie=cookie)) is None


@pytest.mark.parametrize(("secure", "words"), [(True, True), (False, False)], ids=["https", "http"])
def test_cookies_travel_by_https_only_where_there_is_https(
    keys: SigningKeys, clock: Clock, tmp_path: Path, secure: bool, words: bool
) -> None:
    place = Place("/services/speaksep/", secure=secure)
    response = Response()
    Sessions(keys, place, Revoked(tmp_path), life_s=100, clock=clock).begin(response, "secret")
    cookies = response.headers.getlist("set-cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == [SESSION, XSRF]
    assert ["; Secure" in cookie for cookie in cookies] == [words, words]
    assert all("Path=/services/speaksep/" in cookie for cookie in cookies)


@pytest.mark.parametrize(
    ("origin", "host"),
    [("https://elsewhere", "here"), ("http://here:81", "here"), ("null", "here"), ("", "here")],
)
def test_sockets_of_other_pages_are_refused(
    keys: SigningKeys, clock: Clock, tmp_path: Path, origin: str, host: str
) -> None:
    sessions = Sessions(keys, Place(), Revoked(tmp_path), life_s=100, clock=clock)
    session = sessions.begin(Response(), "secret")
    connection = connection_of(origin=origin, host=host)
    connection.scope["type"] = "websocket"
    with pytest.raises(NotAllowed, match="Origin"):
        sessions.check_own_page(connection, session)


def test_a_browser_does_not_gather_sign_ins_that_it_never_finished(
    keys: SigningKeys, clock: Clock, tmp_path: Path
) -> None:
    sessions = Sessions(keys, Place(), Revoked(tmp_path), life_s=100, clock=clock)
    hub = HubAccess("http://hub/api", "t", "service-speaksep", "/hub/authorize", "/hub/logout", "/oauth_callback")
    pending = "; ".join(f"{PENDING}{number}=x" for number in range(6))
    set_ = begin(connection_of(cookie=pending), hub, sessions, "/").headers.getlist("set-cookie")
    assert sum("Max-Age=0" in cookie for cookie in set_) == 6
    assert sum("Max-Age=600" in cookie for cookie in set_) == 1


# Where it is


HUB = {
    "JUPYTERHUB_API_TOKEN": "t",
    "JUPYTERHUB_API_URL": "http://127.0.0.1:8081/base/hub/api/",
    "JUPYTERHUB_CLIENT_ID": "service-speaksep",
    "JUPYTERHUB_SERVICE_PREFIX": "/base/services/speaksep/",
    "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:8010",
    "JUPYTERHUB_BASE_URL": "/base/",
}


def test_the_environment_says_where_the_hub_is() -> None:
    found = Place.from_environment(HUB)
    assert (found.prefix, found.host, found.port, found.secure) == (
        "/base/services/speaksep/",
        "127.0.0.1",
        8010,
        False,
    )
    assert found.hub == HubAccess(
        api_url="http://127.0.0.1:8081/base/hub/api",
        api_token="t",
        client_id="service-speaksep",
        authorize_url="/base/hub/api/oauth2/authorize",
        logout_url="/base/hub/logout",
        callback_path="/base/services/speaksep/oauth_callback",
    )
    assert "api_token" not in repr(found)


def test_pages_of_a_hub_with_subdomains_are_at_its_own_host() -> None:
    found = Place.from_environment({**HUB, "JUPYTERHUB_HOST": "https://hub.example.org"})
    assert found.secure
    assert found.hub is not None
    assert found.hub.authorize_url == "https://hub.example.org/base/hub/api/oauth2/authorize"


def test_half_an_environment_is_refused() -> None:
    with pytest.raises(InputError, match="JUPYTERHUB_CLIENT_ID") as raised:
        Place.from_environment({**HUB, "JUPYTERHUB_CLIENT_ID": ""})
    assert raised.value.reason == "bad-environment"


def test_without_a_hub_it_is_alone() -> None:
    assert Place.from_environment({}) == Place()
