"""Servers of users: what a new home has, how the server is set up, whose process it is, and a hub that is away."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.services.auth import HubOAuth
from jupyterhub.spawner import LocalProcessSpawner
from tornado.web import HTTPError

from speaksep_hub.singleuser import identity
from speaksep_hub.singleuser.identity import PatientHubOAuth
from speaksep_hub.singleuser.settings import server_environment, server_settings
from speaksep_hub.singleuser.welcome import FIRST, QUIET, fill_home
from speaksep_hub.spawning.processes import sure_of_its_process


def test_a_new_home_has_notebooks_on_our_kernel(tmp_path: Path):
    fill_home(tmp_path)
    for path in (tmp_path / FIRST, tmp_path / "first_result.ipynb"):
        assert json.loads(path.read_text())["metadata"]["kernelspec"]["name"] == "speaksep"
    assert json.loads((tmp_path / QUIET).read_text())["fetchNews"] == "false"
    assert server_environment(tmp_path)["JUPYTERHUB_DEFAULT_URL"] == f"/lab/tree/{FIRST}"


def test_what_somebody_changed_or_deleted_stays_so(tmp_path: Path):
    fill_home(tmp_path)
    (tmp_path / FIRST).write_text("mine")
    (tmp_path / "first_result.ipynb").unlink()
    fill_home(tmp_path)
    assert (tmp_path / FIRST).read_text() == "mine"
    assert not (tmp_path / "first_result.ipynb").exists()


def test_a_home_that_has_one_keeps_it(tmp_path: Path):
    (tmp_path / FIRST).symlink_to("/nowhere")
    fill_home(tmp_path)
    assert os.readlink(tmp_path / FIRST) == "/nowhere"


def test_kernels_are_culled_if_wanted():
    assert "MappingKernelManager" not in server_settings({})
    found = server_settings({"SPEAKSEP_KERNEL_IDLE_S": "30"}).MappingKernelManager
    assert (found.cull_idle_timeout, found.cull_interval, found.cull_connected) == (30, 30, True)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the hub will answer, one after the other; an exception is raised."""
    answers: list[Any] = []

    def answer(self: HubOAuth, token: str, use_cache: bool = True, session_id: str = "", *, sync: bool = True) -> Any:
        async def later() -> Any:
            found = answers.pop(0)
            return found if not isinstance(found, Exception) else _raise(found)

        return later()

    monkeypatch.setattr(HubOAuth, "user_for_token", answer)
    return answers


def _raise(error: Exception) -> None:
    raise error


@pytest.fixture
def hub_auth() -> PatientHubOAuth:
    return PatientHubOAuth(
        api_url="http://127.0.0.1:1/hub/api", api_token="x", base_url="/user/ann/", oauth_client_id="y"
    )


def ask(hub_auth: PatientHubOAuth, token: str = "t") -> Any:
    return asyncio.run(hub_auth.user_for_token(token, sync=False))


def test_whoever_was_known_is_known_while_the_hub_is_away(hub_auth, asked):
    asked += [{"name": "ann"}, HTTPError(500), HTTPError(502), {"name": "ann"}]
    assert [ask(hub_auth)["name"] for _ in range(4)] == ["ann"] * 4


def test_nobody_else_is(hub_auth, asked):
    asked += [{"name": "ann"}, HTTPError(500)]
    ask(hub_auth)
    with pytest.raises(HTTPError):
        ask(hub_auth, "another")


def test_who_was_refused_is_forgotten(hub_auth, asked):
    asked += [{"name": "ann"}, None, HTTPError(500)]
    assert [ask(hub_auth), ask(hub_auth)] == [{"name": "ann"}, None]
    with pytest.raises(HTTPError):
        ask(hub_auth)


def test_a_fault_of_the_visitor_is_not_the_hub_being_away(hub_auth, asked):
    asked += [{"name": "ann"}, HTTPError(403)]
    ask(hub_auth)
    with pytest.raises(HTTPError):
        ask(hub_auth)


def test_not_for_ever(hub_auth, asked, monkeypatch):
    monkeypatch.setattr(identity, "AWAY_S", 0.0)
    asked += [{"name": "ann"}, HTTPError(500)]
    ask(hub_auth)
    with pytest.raises(HTTPError):
        ask(hub_auth)


def test_answers_are_believed_for_seconds(hub_auth):
    assert hub_auth.cache_max_age <= 5


@pytest.fixture
def process() -> Any:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        yield running
        running.kill()


def spawner() -> Any:
    return sure_of_its_process(LocalProcessSpawner)(hub=None, user=None)


def test_a_server_is_found_again(process):
    before, after = spawner(), spawner()
    before.pid = process.pid
    after.load_state(before.get_state())
    assert after.pid == process.pid


@pytest.mark.parametrize("other", [{"began": 1.0}, {}], ids=["another-time", "unknown"])
def test_another_process_of_that_number_is_not_taken_for_it(process, other):
    found = spawner()
    found.load_state({"pid": process.pid, **other})
    assert found.pid == 0


def test_a_process_that_is_gone_is_gone(process):
    before, after = spawner(), spawner()
    before.pid = process.pid
    state = before.get_state()
    process.kill()
    process.wait()
    after.load_state(state)
    assert after.pid == 0
