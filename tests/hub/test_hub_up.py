"""``speaksep hub up`` as people run it: everything real, everything killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest
import soundfile as sf

import speaksep_kernel as speaksep
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import State
from tests.hub.running import STOP_S, RunningHub, running_hub, until

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A platform, with one job at a time."""
    with running_hub(tmp_path_factory.mktemp("platform") / "hub", "--workers=1") as hub:
        yield hub


@pytest.fixture(scope="module")
def rosa(hub: RunningHub) -> Iterator[httpx.Client]:
    """The browser of a researcher who has a server."""
    with closing(hub.sign_in("rosa", "researcher")) as browser:
        assert hub.server(browser, "rosa").url.path == "/user/rosa/lab/tree/workbench.ipynb"
        yield browser


def test_every_part_works(hub):
    parts = ("hub", "service", "dashboards", "voila", "worker", "proxy", "provider")
    assert all(hub.part(name).is_running() for name in parts)
    assert httpx.get(f"{hub.service_url}health", trust_env=False).status_code == 200
    assert httpx.get(f"{hub.url}hub/health", trust_env=False).status_code == 200


def test_a_new_server_has_the_kernel_and_the_notebooks(hub, rosa):
    kernels = rosa.get("user/rosa/api/kernelspecs").json()
    assert kernels["default"] == "speaksep"
    for name in ("workbench.ipynb", "first_result.ipynb"):
        notebook = rosa.get(f"user/rosa/api/contents/{name}").json()["content"]
        assert notebook["metadata"]["kernelspec"]["name"] == "speaksep"


@pytest.mark.parametrize("part", ["provider", "proxy", "dashboards", "voila"])
def test_a_killed_part_comes_back(hub, part):
    killed = hub.kill(part)
    assert hub.again(part, killed).is_running()


def test_a_killed_hub_and_service_cost_nobody_anything(hub, rosa, tmp_path):
    [server] = hub.user_servers()
    audio, rate_hz = sf.read(speaksep.sample_recording(), dtype="int16")
    sf.write(tmp_path / "talk.wav", audio[: 20 * rate_hz], rate_hz)
    with JobTable.open(str(hub.folder / "jobs.sqlite3")) as table:
        output = hub.folder / "store" / "of-a-test"
        asked = JobRequest(
            notebook="separate",
            parameters={"source": str(tmp_path / "talk.wav")},
            output=str(output),
            owner="rosa",
            key="of-a-test",
        )
        job = table.submit(asked)
        until(lambda: table.get(job.id).state is State.RUNNING)
        hub_before, service_before = hub.kill("hub"), hub.kill("service")
        assert rosa.get("user/rosa/api/contents").status_code == 200  # nobody is asked: the server knows its visitor
        hub.again("hub", hub_before)
        hub.again("service", service_before)
        until(lambda: table.get(job.id).state is State.SUCCEEDED, 300)
        assert table.get(job.id).attempt == 1
    assert hub.user_servers() == [server]
    assert rosa.get("hub/home").url.path == "/hub/home"
    assert rosa.get("hub/api/users/rosa").json()["servers"][""]["ready"]
    assert rosa.get("user/rosa/api/contents").status_code == 200


def test_sign_out_is_real(hub):
    with closing(hub.sign_in("otto", "researcher")) as browser:
        hub.server(browser, "otto")
        assert browser.get("user/otto/api/contents").status_code == 200
        copied = httpx.Cookies(browser.cookies)
        browser.get("hub/logout")
        assert browser.get("hub/home").url.path in ("/hub/login", "/oauth2/authorize")
    with httpx.Client(base_url=hub.url, cookies=copied, trust_env=False) as thief:
        assert thief.get("hub/home").status_code == 302
        # The user's server asks the hub every few seconds.
        until(lambda: thief.get("user/otto/api/contents").status_code == 403, 6.0)


def test_a_second_platform_needs_a_folder_and_a_port_of_its_own(hub, tmp_path):
    port = httpx.URL(hub.url).port
    tries = {
        "already-up": ["--folder", str(hub.folder), "--port=0"],
        "port-taken": ["--folder", str(tmp_path / "hub"), f"--port={port}"],
    }
    for reason, words in tries.items():
        command = [sys.executable, "-m", "speaksep_kernel.cli", "hub", "up", "--json", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=hub.environment, check=False)
        assert (done.returncode, json.loads(done.stdout)["reason"]) == (2, reason)


def test_a_killed_guard_leaves_nothing(tmp_path: Path):
    hub = RunningHub(tmp_path / "hub").start()
    try:
        assert seconds_until_nothing_is_left(hub, signal.SIGKILL) < STOP_S
    finally:
        hub.stop()


def test_ctrl_c_leaves_nothing(hub, rosa):
    """The last one: the platform is gone afterwards."""
    xsrf = {"X-XSRFToken": str(rosa.cookies.get("_xsrf", path="/user/rosa/"))}
    assert rosa.post("user/rosa/api/kernels", json={"name": "speaksep"}, headers=xsrf).status_code == 201
    until(lambda: any("forkserver" in " ".join(process.cmdline()) for process in hub.processes()))
    assert seconds_until_nothing_is_left(hub, signal.SIGINT) < STOP_S
    assert hub.process.wait() == 130


def seconds_until_nothing_is_left(hub: RunningHub, number: int) -> float:
    """End it, and look for every process that there was."""
    everything, begun = hub.processes(), time.monotonic()
    hub.process.send_signal(number)
    hub.process.wait()
    _, left = psutil.wait_procs(everything, timeout=STOP_S)
    assert left == []
    return time.monotonic() - begun
