"""Voila and Panel behind a running hub: who may open what; whatever else is tried is refused and written down."""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import websockets

from speaksep_hub.audit.events import name_of
from speaksep_hub.audit.verify import entries
from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.running import RunningHub, until

VOILA, PANEL = "services/voila/", "services/panel/"
PAGE = f"{VOILA}voila/render/recording.ipynb"


@pytest.fixture(scope="module")
def hub(platform: RunningHub) -> RunningHub:
    ready = [f"{platform.url}{place}again.js" for place in (VOILA, PANEL)]  # nobody waited for them
    until(lambda: all(httpx.get(each, trust_env=False).status_code == 200 for each in ready), 60)
    return platform


@pytest.fixture(scope="module")
def catalogue(hub: RunningHub) -> Iterator[Catalogue]:
    with Catalogue.open(hub.folder / "jobs.sqlite3") as catalogue:
        yield catalogue


@pytest.fixture(scope="module")
def job(hub: RunningHub) -> str:
    """A job of Rosa's that was cancelled: its page says so."""
    with JobTable.open(hub.folder / "jobs.sqlite3") as table:
        made = table.submit(JobRequest(notebook="separate", parameters={"source": "/gone.wav"}, owner="rosa"))
        return table.cancel(made.id).id


@pytest.fixture(scope="module")
def people(hub: RunningHub) -> Iterator[dict[str, httpx.Client]]:
    """Browsers that have been to both services."""
    roles = {"vera": "viewer", "otto": "viewer", "rosa": "researcher", "mallory": "viewer", "ada": "admin"}
    with ExitStack() as opened:
        found = {name: opened.enter_context(closing(hub.sign_in(name, role))) for name, role in roles.items()}
        for browser in found.values():
            browser.get(VOILA)
            browser.get(f"{PANEL}operations")
        yield found


@pytest.fixture(scope="module")
def share(catalogue: Catalogue, job: str) -> str:
    """What Vera may see."""
    return catalogue.shares.create("rosa", "recording", {"job": job}, users=["vera"]).id


@pytest.fixture(scope="module")
def addresses(catalogue: Catalogue, job: str, share: str) -> dict[str, str]:
    """Queries by what they ask for; only the first is Vera's to ask."""
    shares = catalogue.shares
    revoked = shares.create("rosa", "recording", {"job": job}, users=["vera"])
    shares.revoke("rosa", revoked.id)
    expired = shares.create("rosa", "recording", {"job": job}, users=["vera"], expires_at=time.time() + 0.2)
    time.sleep(0.3)
    return {
        "hers": f"share={share}",
        "foreign": f"share={shares.create('rosa', 'recording', {'job': job}, users=['otto']).id}",
        "unknown": f"share={'0' * 32}",
        "revoked": f"share={revoked.id}",
        "expired": f"share={expired.id}",
        "others": f"mine={job}",
        "path": "share=..%2f..%2fhub.toml",
        "sql": "share='%20or%20'1'='1",
        "nothing": "",
        "twice": f"share={share}&share={share}",
        "theme": f"share={share}&theme=dark",
        "template": f"share={share}&voila-template=lab",
        "ticket": f"share={share}&ticket=e30.00",
        "session": f"share={share}&bokeh-session-id=abc",
    }


def told(hub: RunningHub, service: str, actor: str) -> list[dict[str, Any]]:
    """What a service wrote into the trail about somebody."""
    found = [each for each in entries(hub.folder / "audit") if (each["service"], each["actor"]) == (service, actor)]
    return [{**each, "event": name_of(str(each["__schema__"]))} for each in found]


def kernel_of(page: httpx.Response) -> str:
    found = re.search(r'"kernelId": ?"([-0-9a-f]+)"', page.text)
    assert found is not None, page.text[-3000:]
    return found[1]


@pytest.mark.parametrize(
    ("service", "page", "named"),
    [
        pytest.param("voila", PAGE, "recording.ipynb", id="voila"),
        pytest.param("panel", f"{PANEL}recording", "recording", id="panel"),
    ],
)
def test_what_was_shared_is_shown_and_that_is_written_down(
    hub: RunningHub, people: dict[str, httpx.Client], share: str, job: str, service: str, page: str, named: str
) -> None:
    for name, query in (("vera", f"share={share}"), ("rosa", f"mine=recording%2F{job}")):
        answer = people[name].get(f"{page}?{query}", timeout=120)
        assert answer.status_code == 200, answer.text
        assert "again.js" in answer.text
        wanted = ("view", f"{named}?{query}")
        until(lambda: wanted in [(each["event"], each.get("page")) for each in told(hub, service, name)])  # noqa: B023


@pytest.mark.parametrize("page", [PAGE, f"{PANEL}recording"], ids=["voila", "panel"])
@pytest.mark.parametrize(
    ("which", "statuses", "reason"),
    [
        pytest.param("foreign", (404,), "unknown-share", id="another's share"),
        pytest.param("unknown", (404,), "unknown-share", id="no share"),
        pytest.param("revoked", (410,), "revoked-share", id="a revoked share"),
        pytest.param("expired", (410,), "expired-share", id="an expired share"),
        pytest.param("others", (404,), "gone-result", id="another's result"),
        pytest.param("path", (404,), "unknown-share", id="a path outside"),
        pytest.param("sql", (404,), "unknown-share", id="SQL"),
        pytest.param("nothing", (400,), "", id="a share of nothing"),
        pytest.param("twice", (400,), "", id="two shares"),
        pytest.param("theme", (400,), "", id="a theme"),
        pytest.param("template", (400,), "", id="a template"),
        pytest.param("ticket", (400,), "", id="a ticket of one's own"),
        pytest.param("session", (400,), "", id="a session of one's own"),
    ],
)
def test_nothing_else_is_shown(
    hub: RunningHub,
    people: dict[str, httpx.Client],
    addresses: dict[str, str],
    page: str,
    which: str,
    statuses: tuple[int, ...],
    reason: str,
) -> None:
    service = page.split("/")[1]
    before = len(told(hub, service, "vera"))
    answer = people["vera"].get(f"{page}?{addresses[which]}")
    assert answer.status_code in statuses, answer.text
    assert "Traceback" not in answer.text
    assert "kernelId" not in answer.text
    wanted = [("share-refused", reason)] * bool(reason) + [("refusal", f"/{page}")]

    def new() -> list[tuple[str, str]]:
        return [(each["event"], each.get("reason") or each["path"]) for each in told(hub, service, "vera")[before:]]

    until(lambda: len(new()) >= len(wanted))  # an answer is on its way before it is written down
    assert new() == wanted


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("POST", f"{VOILA}api/kernels", id="start a kernel"),
        pytest.param("GET", f"{VOILA}api/kernels", id="list kernels"),
        pytest.param("GET", f"{VOILA}api/kernels/{uuid.uuid4()}", id="a kernel by guessing"),
        pytest.param("GET", f"{VOILA}api/contents", id="contents"),
        pytest.param("PUT", f"{VOILA}api/contents/evil.ipynb", id="write a notebook"),
        pytest.param("POST", f"{VOILA}api/terminals", id="a terminal"),
        pytest.param("GET", f"{VOILA}terminals/websocket/1", id="a terminal's connection"),
        pytest.param("GET", f"{VOILA}voila/files/recording.ipynb", id="a raw notebook"),
        pytest.param("GET", f"{VOILA}voila/files/..%2F..%2Fhub.sqlite", id="a file outside"),
        pytest.param("GET", f"{VOILA}voila/render/..%2F..%2Fx.ipynb", id="a notebook outside"),
        pytest.param("GET", f"{VOILA}voila/query/{uuid.uuid4()}", id="what a kernel was asked"),
        pytest.param("GET", f"{PANEL}", id="a list of Panel's"),
        pytest.param("GET", f"{PANEL}recording/autoload.js", id="a script for other sites"),
        pytest.param("GET", f"{PANEL}recording/metadata", id="metadata"),
        pytest.param("GET", f"{PANEL}admin", id="Panel's administration"),
        pytest.param("GET", f"{PANEL}alive/abc", id="another's session"),
        pytest.param("POST", f"{PANEL}recording", id="a form to Panel"),
    ],
)
def test_there_is_nothing_else_and_who_looks_is_noticed(
    hub: RunningHub, people: dict[str, httpx.Client], method: str, path: str
) -> None:
    answer = people["otto"].request(method, path)
    assert answer.status_code in (400, 403, 404, 405), answer.text
    sent = (method, answer.request.url.raw_path.decode().partition("?")[0], answer.status_code)

    def refusals() -> set[tuple[str, str, int]]:
        # A request that another site could have had sent, and one for a file, are nobody's.
        found = [each for actor in ("otto", "") for each in told(hub, path.split("/")[1], actor)]
        return {(each["method"], each["path"], each["status"]) for each in found if each["event"] == "refusal"}

    until(lambda: sent in refusals())


def test_how_the_platform_does_is_for_administrators(people: dict[str, httpx.Client]) -> None:
    for page in (f"{VOILA}voila/render/operations.ipynb", f"{PANEL}operations"):
        assert people["vera"].get(page).status_code == 403
        assert people["ada"].get(page, timeout=120).status_code == 200


@pytest.fixture
def kernel(people: dict[str, httpx.Client], share: str) -> str:
    """Behind a page that Vera has open."""
    return kernel_of(people["vera"].get(f"{PAGE}?share={share}", timeout=120))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "api/kernels/{}", id="look at it"),
        pytest.param("DELETE", "api/kernels/{}", id="end it"),
        pytest.param("POST", "voila/api/shutdown/{}", id="end it as a page does"),
        pytest.param("POST", "api/kernels/{}/restart", id="start it again"),
    ],
)
def test_a_kernel_is_its_readers_alone(people: dict[str, httpx.Client], kernel: str, method: str, path: str) -> None:
    place = VOILA + path.format(kernel)
    assert people["mallory"].request(method, place).status_code in (403, 404, 405)
    assert people["vera"].get(f"{VOILA}api/kernels/{kernel}").status_code == 200


def test_another_cannot_listen_to_a_kernel(hub: RunningHub, people: dict[str, httpx.Client], kernel: str) -> None:
    with pytest.raises(websockets.InvalidStatus) as caught:
        asyncio.run(say(hub, people["mallory"], kernel, []))
    assert caught.value.response.status_code == 404


def test_a_kernel_hears_its_widgets_and_nothing_else(
    hub: RunningHub, people: dict[str, httpx.Client], kernel: str, tmp_path: Path
) -> None:
    proof = tmp_path / "executed"
    code = f"open({str(proof)!r}, 'w').close()"
    before = len(told(hub, "voila", "vera"))
    tries: list[Any] = [
        message("shell", "execute_request", {"code": code, "silent": False}),
        message("control", "execute_request", {"code": code, "silent": False}),
        message("shell", "comm_open", {"comm_id": "1", "target_name": "jupyter.widget", "data": {}}),
        message("shell", "comm_open", {"comm_id": "2", "target_name": "../evil", "data": {}}),
        message("shell", "inspect_request", {"code": "open", "cursor_pos": 2}),
        message("shell", "history_request", {}),
        message("control", "debug_request", {}),
        message("stdin", "input_reply", {"value": "x"}),
        b"\xff" * 64,
        "no message",
    ]
    answers = asyncio.run(say(hub, people["vera"], kernel, tries))
    assert answers[-1] == "kernel_info_reply"
    assert {"execute_reply", "inspect_reply", "history_reply", "debug_reply"}.isdisjoint(answers)
    assert not proof.exists()
    reasons = [each["reason"] for each in told(hub, "voila", "vera")[before:] if "reason" in each]
    assert reasons == [
        "execute_request on shell",
        "execute_request on control",
        "comm_open to jupyter.widget",
        "comm_open to ../evil",
        "inspect_request on shell",
        "history_request on shell",
        "debug_request on control",
        "input_reply on stdin",
        "a message that is none (UnicodeDecodeError)",
        "a message that is none (JSONDecodeError)",
    ]


def test_a_page_whose_kernel_was_killed_is_told_so_and_gets_another(
    hub: RunningHub, people: dict[str, httpx.Client], kernel: str, share: str
) -> None:
    [process] = [each for each in hub.processes() if any(kernel in name for name in _sockets(each))]
    process.kill()
    place = f"{VOILA}api/kernels/{kernel}"
    until(lambda: people["vera"].get(place).status_code == 404)
    assert kernel_of(people["vera"].get(f"{PAGE}?share={share}", timeout=120)) != kernel


def test_a_session_is_good_for_whoever_was_given_it(
    hub: RunningHub, people: dict[str, httpx.Client], share: str
) -> None:
    page = people["vera"].get(f"{PANEL}recording?share={share}", timeout=60)
    token = re.search(r'"token": ?"([^"]+)"', page.text)
    session = re.search(r"alive/([\w.-]+)", page.text)
    assert token is not None
    assert session is not None
    forged = token[1][:-6] + "AAAAAA"
    for name, offered in (("mallory", token[1]), ("vera", forged), ("vera", "abc")):
        with pytest.raises((websockets.InvalidStatus, websockets.ConnectionClosed)):
            asyncio.run(connect(hub, people[name], offered))
    assert asyncio.run(connect(hub, people["vera"], token[1])) != ""
    assert people["vera"].get(f"{PANEL}alive/{session[1]}").status_code == 204
    assert people["mallory"].get(f"{PANEL}alive/{session[1]}").status_code == 404
    refused = [each["path"] for each in told(hub, "panel", "mallory") if each["event"] == "refusal"]
    assert f"/{PANEL}recording/ws" in refused


def test_what_a_page_keeps_with_its_session_is_no_secret(people: dict[str, httpx.Client], share: str) -> None:
    text = people["vera"].get(f"{PANEL}recording?share={share}", timeout=60).text
    cookies = [cookie.value for cookie in people["vera"].cookies.jar if cookie.value and len(cookie.value) > 20]
    assert [value for value in cookies if value in text] == []


def message(channel: str, kind: str, content: dict[str, Any]) -> str:
    header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "session": "s", "username": "", "version": "5.3"}
    return json.dumps(
        {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": channel, "buffers": []}
    )


async def say(hub: RunningHub, browser: httpx.Client, kernel: str, messages: list[Any]) -> list[str]:
    """Send messages, then ask the kernel who it is; the types of what it answers until then."""
    address = f"{hub.url.replace('http', 'ws', 1)}{VOILA}api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
    answers: list[str] = []
    async with websockets.connect(address, additional_headers=headers(hub, browser), proxy=None) as socket:
        for each in [*messages, message("shell", "kernel_info_request", {})]:
            await socket.send(each)
        while "kernel_info_reply" not in answers:
            answers.append(json.loads(await asyncio.wait_for(socket.recv(), 20))["header"]["msg_type"])
    return answers


async def connect(hub: RunningHub, browser: httpx.Client, token: str) -> str:
    """Open the connection of a session; what comes first."""
    address = f"{hub.url.replace('http', 'ws', 1)}{PANEL}recording/ws"
    protocols: Any = ["bokeh", token]
    async with websockets.connect(
        address, subprotocols=protocols, additional_headers=headers(hub, browser), proxy=None
    ) as socket:
        return str(await asyncio.wait_for(socket.recv(), 20))


def headers(hub: RunningHub, browser: httpx.Client) -> dict[str, str]:
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)
    return {"Cookie": cookies, "Origin": hub.url.rstrip("/")}


def _sockets(process: psutil.Process) -> list[str]:
    """Of a kernel, the only thing to be seen of it from outside: a forked one shows the words of its fork server."""
    try:
        return [str(each.laddr) for each in process.net_connections("unix")]
    except psutil.Error:
        return []
