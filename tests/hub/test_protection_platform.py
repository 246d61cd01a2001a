"""A whole platform: every answer of every part has its headers, and what people do is in the trail."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import httpx
import pytest

from speaksep_hub.audit.events import name_of
from speaksep_hub.audit.verify import entries, verify
from speaksep_hub.protection.headers import hub_headers, interactive_headers, service_headers, single_user_headers
from tests.hub.running import RunningHub, until

OF_ALL = (
    "X-Content-Type-Options",
    "Content-Security-Policy",
    "X-Frame-Options",
    "Referrer-Policy",
    "Permissions-Policy",
)
HEADERS = {
    "hub": hub_headers(https=False),
    "single-user": single_user_headers(https=False),
    "service": service_headers(https=False),
    "dashboards": service_headers(https=False),
    "voila": interactive_headers(https=False),
}


@pytest.fixture(scope="module")
def hub(platform: RunningHub) -> RunningHub:
    return platform


@pytest.fixture(scope="module")
def ann(hub: RunningHub) -> Iterator[httpx.Client]:
    """A researcher with a server."""
    with closing(hub.sign_in("ann", "researcher")) as browser:
        hub.server(browser, "ann")
        yield browser


@pytest.fixture(scope="module")
def vera(hub: RunningHub) -> Iterator[httpx.Client]:
    """A viewer."""
    with closing(hub.sign_in("vera", "viewer")) as browser:
        yield browser


@pytest.mark.parametrize(
    ("part", "path", "status"),
    [
        pytest.param("hub", "hub/home", 200, id="hub-page"),
        pytest.param("hub", "hub/api/", 200, id="hub-api"),
        pytest.param("hub", "hub/api/users", 403, id="hub-refused"),
        pytest.param("hub", "hub/nowhere", 404, id="hub-nowhere"),
        pytest.param("hub", "hub/static/css/style.min.css", 200, id="hub-file"),
        pytest.param("hub", "hub/logo", 200, id="hub-logo"),
        pytest.param("hub", "nowhere", 302, id="hub-redirect"),
        pytest.param("single-user", "user/ann/lab", 200, id="lab-page"),
        pytest.param("single-user", "user/ann/api/contents", 200, id="lab-api"),
        pytest.param("single-user", "user/ann/nowhere", 404, id="lab-nowhere"),
        pytest.param("single-user", "user/ann/static/lab/index.html", 200, id="lab-file"),
        pytest.param("single-user", "user/ann/", 302, id="lab-redirect"),
        pytest.param("service", "services/speaksep/health", 200, id="service-health"),
        pytest.param("service", "services/speaksep/openapi.json", 200, id="service-openapi"),
        pytest.param("service", "services/speaksep/api/v1/nowhere", 404, id="service-nowhere"),
        pytest.param("service", "services/speaksep/", 303, id="service-redirect"),
        pytest.param("dashboards", "services/dashboards/health", 200, id="dashboards-health"),
        pytest.param("dashboards", "services/dashboards/", 401, id="dashboards-refused"),
        pytest.param("dashboards", "services/dashboards/nowhere", 404, id="dashboards-nowhere"),
        pytest.param("voila", "services/voila/", 200, id="voila-page"),
        pytest.param("voila", "services/voila/nowhere", 404, id="voila-nowhere"),
    ],
)
def test_every_answer_has_its_headers(ann: httpx.Client, part: str, path: str, status: int) -> None:
    ann.get("services/voila/")  # signed in there
    answer = ann.get(path, follow_redirects=False)
    assert answer.status_code == status
    sent = {name: answer.headers.get(name, "") for name in HEADERS[part] if name != "Content-Security-Policy"}
    assert sent == {name: value for name, value in HEADERS[part].items() if name != "Content-Security-Policy"}
    # Jupyter adds to the policy of answers that are no pages.
    assert answer.headers["Content-Security-Policy"].startswith(HEADERS[part]["Content-Security-Policy"])
    assert "Strict-Transport-Security" not in answer.headers
    for name in OF_ALL:
        assert len(answer.headers.get_list(name)) == 1
    assert "uvicorn" not in answer.headers.get("Server", "")
    assert "Tornado" not in answer.headers.get("Server", "")


@pytest.mark.parametrize("headers", [hub_headers, single_user_headers, service_headers, interactive_headers])
def test_browsers_that_come_by_tls_are_told_to_stay_with_it(headers: Any) -> None:
    assert headers(https=True)["Strict-Transport-Security"].startswith("max-age=31536000")


def test_hundreds_of_connections_that_do_nothing_keep_nobody_out(hub: RunningHub) -> None:
    host, port = httpx.URL(hub.url).host, httpx.URL(hub.url).port
    with ExitStack() as held:
        for part in (b"", b"GET /hub/", b"POST /services/speaksep/api/v1/jobs HTTP/1.1\r\nHost: x\r\nX-A: ") * 150:
            held.enter_context(socket.create_connection((host, port or 80), timeout=10)).sendall(part)
        for path in ("hub/health", "services/speaksep/health", "services/voila/"):
            assert httpx.get(hub.url + path, timeout=20).status_code in {200, 302}


def test_what_people_do_is_in_the_trail(hub: RunningHub, ann: httpx.Client, vera: httpx.Client) -> None:
    page = vera.get("services/voila/voila/render/loudness.ipynb", timeout=120)
    assert page.status_code == 200
    assert vera.get("hub/api/users").status_code == 403
    xsrf = {"_xsrf": ann.get("hub/token").text.partition('xsrf_token: "')[2].partition('"')[0]}
    made = ann.post("hub/api/users/ann/tokens", params=xsrf, json={"note": "by hand", "expires_in": 60})
    assert made.status_code == 201, made.text
    gone = ann.delete(f"hub/api/users/ann/tokens/{made.json()['id']}", params=xsrf)
    assert gone.status_code == 204
    service = httpx.get(f"{hub.service_url}api/v1/me", headers={"Authorization": f"Bearer {made.json()['token']}"})
    assert service.status_code == 401
    with closing(hub.sign_in("otto", "researcher")) as other:
        other.get("hub/logout")
    with httpx.Client(base_url=hub.url) as stranger:
        assert stranger.get("hub/oauth_callback", params={"code": "again", "state": "wrong"}).status_code == 400
    folder = hub.folder / "audit"

    def found() -> list[tuple[object, ...]]:
        return [(each["service"], name_of(str(each["__schema__"])), each["actor"]) for each in entries(folder)]

    wanted = {
        ("hub", "sign-in", "ann"),
        ("hub", "server", "ann"),
        ("hub", "sign-in", "vera"),
        ("voila", "view", "vera"),
        ("hub", "refusal", "vera"),
        ("hub", "token-made", "ann"),
        ("hub", "token-revoked", "ann"),
        ("speaksep", "refusal", ""),
        ("hub", "sign-in", "otto"),
        ("hub", "sign-out", "otto"),
        ("hub", "sign-in-failed", ""),
    }
    until(lambda: wanted <= set(found()), seconds=10)
    assert verify(folder).problems == ()
    by_hand = [each["token"] for each in entries(folder) if each.get("note") == "by hand"]
    assert by_hand == [made.json()["id"]]
    assert made.json()["token"] not in (folder / "audit.jsonl").read_text()
