"""Published notebooks behind a running hub: who may look, and that looking is all one can do."""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from pathlib import Path

import httpx
import nbformat
import pytest
import websockets

from speaksep_dashboards.sample import sample_view, stored_sample
from tests.hub.deployment import Deployment

PLACE = "services/voila/"
PAGE = f"{PLACE}voila/render/loudness.ipynb"


@pytest.fixture(scope="module")
def viewer(deployment: Deployment) -> httpx.Client:
    """A viewer's browser that has looked at the list."""
    browser = deployment.signed_in("vera", "speaksep-viewers")
    assert browser.get(PLACE).status_code == 200
    return browser


@pytest.fixture(scope="module")
def page(viewer: httpx.Client) -> str:
    """A dashboard, as the viewer's browser gets it."""
    answer = viewer.get(PAGE)
    assert answer.status_code == 200
    return answer.text


def test_a_viewer_sees_the_list_and_a_dashboard(viewer: httpx.Client, page: str) -> None:
    assert "loudness" in viewer.get(PLACE).text
    assert "application/vnd.jupyter.widget-view+json" in page


def test_code_and_secrets_do_not_come_with_it(page: str) -> None:
    assert "import ipywidgets" not in page
    assert "secrets: [] end" in page


def test_an_error_says_nothing_of_the_server(viewer: httpx.Client) -> None:
    answer = viewer.get(f"{PLACE}voila/render/broken.ipynb")
    assert "There was an error when executing cell" in answer.text
    assert "a path of the server" not in answer.text


def test_a_stranger_is_sent_to_sign_in_and_hears_nothing(deployment: Deployment, viewer: httpx.Client) -> None:
    stranger = deployment.browser()
    assert stranger.get(PAGE).url.path == "/hub/login"
    assert stranger.get(f"{PLACE}voila/files/talk.flac").status_code == 403
    assert viewer.get(f"{PLACE}voila/files/talk.flac").status_code == 200


def test_batch_is_refused(deployment: Deployment) -> None:
    browser = deployment.signed_in("bea", "speaksep-batch")
    assert browser.get(PAGE).status_code == 403
    token = deployment.token(browser, "bea").json()["token"]
    answer = httpx.get(deployment.url + PAGE, headers={"Authorization": f"token {token}"})
    assert answer.status_code == 403


def test_a_token_of_a_researcher_opens_it_only_with_the_scope(deployment: Deployment) -> None:
    browser = deployment.once_signed_in("rosa", "speaksep-researchers")
    access = "access:services!service=voila"
    without = deployment.token(browser, "rosa", access, "custom:speaksep:jobs:read").json()["token"]
    with_it = deployment.token(browser, "rosa", access, "custom:speaksep:dashboards:view").json()["token"]
    statuses = [
        httpx.get(deployment.url + PLACE, headers={"Authorization": f"token {token}"}).status_code
        for token in (without, with_it)
    ]
    assert statuses == [403, 200]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("POST", "api/kernels", id="start a kernel"),
        pytest.param("GET", "api/kernels", id="list kernels"),
        pytest.param("GET", "api/contents", id="files"),
        pytest.param("PUT", "voila/api/contents/evil.ipynb", id="write a notebook"),
        pytest.param("POST", "api/terminals", id="terminal"),
        pytest.param("GET", "lab", id="JupyterLab"),
        pytest.param("GET", "tree", id="file browser"),
        pytest.param("GET", "api/sessions", id="sessions"),
        pytest.param("GET", "voila/files/notes.txt", id="a file that is not published"),
        pytest.param("GET", "voila/files/loudness.ipynb", id="source of a notebook"),
        pytest.param("GET", "voila/files/..%2f..%2fhub.toml", id="out of the folder"),
        pytest.param("GET", "voila/render/..%2f..%2fx.ipynb", id="a notebook elsewhere"),
        pytest.param("GET", "voila/static/..%2f..%2fapp.py", id="program text"),
    ],
)
def test_there_is_nothing_else(viewer: httpx.Client, method: str, path: str) -> None:
    answer = viewer.request(method, PLACE + path, json={})
    assert answer.status_code in (400, 403, 404, 405)


@pytest.mark.parametrize("name", ["template", "theme", "voila-template", "voila-theme"])
def test_nobody_chooses_files_of_the_server_by_the_address(viewer: httpx.Client, name: str) -> None:
    assert viewer.get(PAGE, params={name: "../../../../etc"}).status_code == 400


def test_a_kernel_takes_messages_of_widgets_and_runs_nothing(
    deployment: Deployment, viewer: httpx.Client, page: str, tmp_path: Path
) -> None:
    found = re.search(r'"kernelId": ?"([-0-9a-f]+)"', page)
    assert found is not None
    proof = tmp_path / "executed"
    answers = asyncio.run(_talk(deployment, viewer, found[1], f"open({str(proof)!r}, 'w').close()"))
    assert "kernel_info_reply" in answers
    assert "execute_reply" not in answers
    assert not proof.exists()


async def _talk(deployment: Deployment, viewer: httpx.Client, kernel: str, code: str) -> list[str]:
    """Ask a kernel to run code, then who it is; the types of what it answers."""
    session = uuid.uuid4().hex
    address = f"{deployment.url.replace('http', 'ws', 1)}{PLACE}api/kernels/{kernel}/channels?session_id={session}"
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in viewer.cookies.jar)
    headers = {"Cookie": cookies, "Origin": deployment.url.rstrip("/")}
    answers = []
    async with websockets.connect(address, additional_headers=headers, proxy=None) as socket:
        for kind, content in (
            ("execute_request", {"code": code, "silent": False, "store_history": False, "allow_stdin": False}),
            ("kernel_info_request", {}),
        ):
            header = {
                "msg_id": uuid.uuid4().hex,
                "msg_type": kind,
                "session": session,
                "username": "",
                "version": "5.3",
            }
            message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
            await socket.send(json.dumps({**message, "channel": "shell", "buffers": []}))
        deadline = time.monotonic() + 20
        while "kernel_info_reply" not in answers and time.monotonic() < deadline:
            answer = json.loads(await asyncio.wait_for(socket.recv(), 20))
            answers.append(answer["header"]["msg_type"])
    return answers


def test_another_site_cannot_talk_to_a_kernel(deployment: Deployment, viewer: httpx.Client, page: str) -> None:
    found = re.search(r'"kernelId": ?"([-0-9a-f]+)"', page)
    assert found is not None
    answer = viewer.get(
        f"{PLACE}api/kernels/{found[1]}/channels",
        headers={
            "Origin": "https://evil.example.org",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "x" * 22 + "==",
        },
    )
    assert answer.status_code == 403


def test_who_signs_out_sees_nothing_any_more(deployment: Deployment) -> None:
    browser = deployment.signed_in("saul", "speaksep-viewers")
    assert browser.get(PLACE).status_code == 200
    browser.get("hub/logout", follow_redirects=False)
    time.sleep(3.5)  # answers of the hub are believed for three seconds
    assert browser.get(PLACE).url.path == "/hub/login"


def test_the_sample_is_separated_once_and_every_page_has_its_own_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, talk: Path
) -> None:
    monkeypatch.setenv("SPEAKSEP_DASHBOARDS", str(tmp_path))
    monkeypatch.setattr("speaksep_kernel.sample_recording", lambda: talk, raising=False)  # it is shorter
    one, other = sample_view(), sample_view()
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "sample").iterdir()}
    one.apply({"op": "rename", "speaker": 1, "name": "Ann"})
    one.wait()
    assert {path.name: path.stat().st_mtime_ns for path in stored_sample().iterdir()} == kept
    assert [speaker["name"] for speaker in one.speakers] != [speaker["name"] for speaker in other.speakers]


def test_the_published_notebook_is_thin() -> None:
    import speaksep_dashboards

    package = Path(speaksep_dashboards.__file__).parent
    for path in (*package.glob("voila/*.ipynb"), *package.glob("published/*.ipynb")):
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        assert [cell for cell in cells if len(cell.source.splitlines()) > 3 or cell.outputs] == []
