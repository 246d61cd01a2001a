"""What a Jupyter server answers to the extension of its pages: a real server, with the settings of the wheel."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import numpy as np
import psutil
import pytest
import soundfile as sf

from speaksep_hub.lab.asking import Clerk
from speaksep_hub.local.ports import free_ports
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.testing import conversation
from tests.hub.running import until
from tests.kernel.voices_made import made_book

SHIPPED = Path(__file__).parents[2] / "widgets" / "etc" / "jupyter"
TOKEN = "of-this-test"
TALK = {"verb": "separate", "paths": ["talk.wav"]}
ADDRESSES = (
    *("scripts/recording-view.js", "recording/talk.wav/data", "recording/talk.wav/ask", "job/1/data", "batch/1/data"),
    *("report/1", "jobs", "voices", "status", "choices"),
)


class Server:
    """A Jupyter server over a folder with a recording, a home of its own, and nobody who works."""

    def __init__(self, folder: Path) -> None:
        self.root, self.home = folder / "root", folder / "home"
        self.home.mkdir(parents=True)
        (self.root / "deep er" / ".hidden").mkdir(parents=True)
        made = conversation(8.0, speakers=2, overlap=0.2, seed=3)
        for place in ("talk.wav", "deep er/100% [a].wav", "deep er/.hidden/talk.wav"):
            sf.write(self.root / place, made.audio, made.rate_hz)
        sf.write(folder / "outside.wav", made.audio, made.rate_hz)
        (self.root / "link.wav").symlink_to(folder / "outside.wav")
        (self.root / "broken.wav").write_bytes(b"RIFF, and no more")
        self.jobs, self.book = folder / "jobs.sqlite3", folder / "voices.json"
        made_book(self.book, "Ada", "Grace")
        (port,) = free_ports(1)
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY_", "SPEAKSEP_"))
        }
        environment = inherited | {
            "HOME": str(self.home),
            "OMP_NUM_THREADS": "1",
            "JUPYTER_CONFIG_PATH": str(SHIPPED),
            "SPEAKSEP_JOBS": str(self.jobs),
            "SPEAKSEP_BOOK": str(self.book),
        }
        words = ["--no-browser", "--allow-root", f"--port={port}", f"--IdentityProvider.token={TOKEN}"]
        command = [sys.executable, "-m", "jupyter_server", *words, f"--ServerApp.root_dir={self.root}"]
        with (folder / "server.log").open("wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self.url = f"http://127.0.0.1:{port}/speaksep/"
        headers = {"Authorization": f"token {TOKEN}"}
        self.http = httpx.Client(base_url=self.url, headers=headers, timeout=60.0, trust_env=False)
        until(self._answers, 60.0)

    def _answers(self) -> bool:
        assert self.process.poll() is None
        try:
            return self.http.get("scripts/kernelless.js").status_code == 200
        except httpx.TransportError:
            return False

    @property
    def clerk(self) -> psutil.Process:
        """The process beside it."""
        children = psutil.Process(self.process.pid).children()
        return next(each for each in children if "speaksep_hub.lab.clerk" in " ".join(each.cmdline()))

    def ask(self, question: dict[str, object], path: str = "talk.wav") -> tuple[dict[str, object], bytes]:
        """A question about a recording; the answer and its bytes."""
        answer = self.http.get(f"recording/{path}/ask", params={"q": json.dumps(question)})
        assert answer.status_code == 200, answer.text
        (length,) = struct.unpack(">I", answer.content[:4])
        return json.loads(answer.content[4 : 4 + length]), answer.content[4 + length :]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("lab"))
    yield server
    server.http.close()
    clerk = server.clerk
    server.process.kill()
    server.process.wait()
    clerk.wait(20)  # it never outlives the server, however that ended


@pytest.mark.parametrize("address", ADDRESSES)
def test_nobody_is_answered_without_the_servers_own_sign_in(server: Server, address: str) -> None:
    with httpx.Client(base_url=server.url, trust_env=False) as stranger:
        assert stranger.get(address).status_code in (302, 403)
        assert stranger.post("jobs", json={"verb": "diagnose", "paths": ["talk.wav"]}).status_code == 403


@pytest.mark.parametrize("path", ["talk.wav", "deep%20er/100%25%20%5Ba%5D.wav"], ids=["plain", "odd name"])
def test_a_recording_is_seen_and_heard_without_a_kernel(server: Server, path: str) -> None:
    told = server.http.get(f"recording/{path}/data").json()
    assert (told["seconds"], told["lanes"], told["findings"]) == (8.0, ["mixture"], [])
    content, peaks = server.ask({"ask": "peaks", "pieces": [["mixture", 0, 8]], "pixels": 1024}, path)
    assert content["ok"]
    assert np.abs(np.frombuffer(peaks, "<i2")).max() > 1000
    _, sound = server.ask({"ask": "sound", "lanes": ["mixture"], "start_s": 1, "stop_s": 2}, path)
    wanted, rate_hz = sf.read(server.root / "talk.wav", start=16000, stop=32000, dtype="int16")
    assert rate_hz == 16000
    np.testing.assert_allclose(np.frombuffer(sound, "<i2"), wanted, atol=1)
    tile = {"ask": "tile", "lane": "mixture", "start_s": 0, "stop_s": 8, "columns": 64, "rows": 32, "scale": "mel"}
    assert len(server.ask(tile, path)[1]) == 64 * 32


def test_what_does_not_change_is_not_sent_again(server: Server) -> None:
    until(lambda: "etag" in server.http.get("recording/talk.wav/data").headers)
    stamp = server.http.get("recording/talk.wav/data").headers["etag"]
    assert server.http.get("recording/talk.wav/data", headers={"If-None-Match": stamp}).status_code == 304


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        pytest.param("gone.wav", 404, "file-not-found", id="gone"),
        pytest.param("deep%20er/.hidden/talk.wav", 404, "file-not-found", id="hidden"),
        pytest.param("%2e%2e/outside.wav", 404, "file-not-found", id="above"),
        pytest.param("link.wav", 404, "file-not-found", id="a link that leads out"),
        pytest.param("deep%20er", 404, "file-not-found", id="a folder"),
        pytest.param("broken.wav", 400, "unreadable", id="no recording"),
    ],
)
def test_what_cannot_be_seen_is_said_in_words(server: Server, path: str, status: int, reason: str) -> None:
    answer = server.http.get(f"recording/{path}/data")
    told = answer.json()
    assert (answer.status_code, told["ok"]) == (status, False)
    assert told["error"]
    assert told["hint"]
    assert reason in (told["reason"], "unreadable")


@pytest.mark.parametrize(
    "question",
    [
        pytest.param({}, id="empty"),
        pytest.param({"ask": "code", "code": "1"}, id="unknown"),
        pytest.param({"ask": "peaks", "pieces": [["mixture", 0, 8]], "pixels": 10**9}, id="too large"),
        pytest.param({"ask": "peaks", "pieces": [["mixture"]], "pixels": 10}, id="half a piece"),
        pytest.param({"ask": "sound", "start_s": 0, "stop_s": 1e9, "lanes": ["mixture"]}, id="all of it"),
        pytest.param({"ask": "peaks", "pieces": [["speaker_1", 0, 8]], "pixels": 10}, id="no lane"),
    ],
)  # fmt: skip
def test_a_question_that_is_none_is_refused(server: Server, question: dict[str, object]) -> None:
    answer = server.http.get("recording/talk.wav/ask", params={"q": json.dumps(question)})
    assert answer.status_code == 400
    assert answer.json()["ok"] is False


def test_a_process_that_dies_is_replaced_and_the_server_computes_nothing(server: Server) -> None:
    server.http.get("recording/talk.wav/data")
    first = server.clerk
    first.send_signal(signal.SIGKILL)
    assert server.http.get("recording/talk.wav/data").json()["seconds"] == 8.0
    assert server.clerk.pid != first.pid
    mapped = [each.path for each in psutil.Process(server.process.pid).memory_maps()]
    assert [path for path in mapped if any(word in path for word in ("sndfile", "soxr", "torch"))] == []


def test_a_pipe_that_breaks_before_the_end_of_its_process_is_known(tmp_path: Path) -> None:
    class Dying:
        """Killed, but nobody has been told yet."""

        returncode: int | None = None

        @property
        def stdin(self) -> Any:
            raise BrokenPipeError

        def kill(self) -> None:
            pass

        async def wait(self) -> int:
            self.returncode = -signal.SIGKILL
            return self.returncode

    async def asked() -> dict[str, Any]:
        clerk = Clerk(str(tmp_path))
        clerk._process = cast(asyncio.subprocess.Process, Dying())
        try:
            return (await clerk.ask("status")).content
        finally:
            await clerk.close()

    assert "device" in asyncio.run(asked())


def test_jobs_are_listed_and_stopped(server: Server) -> None:
    with JobTable.open(server.jobs) as table:
        asked = JobRequest(notebook="separate", parameters={"source": "x.wav"}, output=str(server.root / "x"))
        waiting = table.submit(asked)
        held = table.claim("a test", lease_s=600.0)  # so that nobody else takes it
        assert held is not None
        foreign = table.submit(JobRequest(notebook="separate", parameters={"source": "y.wav"}, owner="somebody else"))
        told = server.http.get("jobs").json()
        assert told["service"] == {
            "url": "",
            "standing": "none",
            "word": "No service is configured: jobs run on this machine.",
        }
        [listed] = told["jobs"]
        assert (listed["id"], listed["name"], listed["state"]) == (waiting.id, "x.wav", "running")
        assert server.http.post(f"jobs/local/{waiting.id}/cancel", json={}).status_code == 200
        assert table.get(waiting.id).state == "cancelling"
        refused = server.http.post(f"jobs/local/{foreign.id}/cancel", json={})
        assert (refused.status_code, refused.json()["reason"]) == (404, "unknown-job")
        assert table.get(foreign.id).state in ("queued", "failed")
        table.cancel(foreign.id)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param({"verb": "shell", "paths": ["talk.wav"]}, "unknown-verb", id="verb"),
        pytest.param({"verb": "separate", "paths": []}, "no-inputs", id="no files"),
        pytest.param({"verb": "separate", "paths": ["../outside.wav"]}, "file-not-found", id="outside"),
        pytest.param({**TALK, "options": {"speakers": "x"}}, "bad-parameter", id="no number"),
        pytest.param({**TALK, "options": {"code": "x"}}, "unknown-parameter", id="no parameter"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_before_anything_is(
    server: Server, body: dict[str, object], reason: str
) -> None:
    before = len(server.http.get("jobs").json()["jobs"])
    answer = server.http.post("jobs", json=body)
    assert answer.status_code in (400, 404), answer.text
    assert answer.json()["reason"]
    assert len(server.http.get("jobs").json()["jobs"]) == before


def test_voices_are_listed_and_forgotten(server: Server) -> None:
    told = server.http.get("voices").json()["voices"]
    assert [(each["name"], each["seconds"], each["where"]) for each in told] == [
        ("Ada", 10, "local"),
        ("Grace", 10, "local"),
    ]
    forgotten = server.http.request("DELETE", "voices", json={"where": "local", "name": "Grace"})
    assert len(forgotten.json()["receipt"]) == 32
    assert [each["name"] for each in server.http.get("voices").json()["voices"]] == ["Ada"]
    assert server.http.request("DELETE", "voices", json={"where": "local", "name": "Grace"}).status_code == 404


def test_a_workbench_is_written_once_beside_its_recording(server: Server) -> None:
    made = server.http.post("workbench", json={"path": "talk.wav"}).json()
    place = server.root / made["path"]
    assert "Workbench('talk.wav')" in "".join(json.loads(place.read_text())["cells"][0]["source"])
    place.write_text("mine")
    assert server.http.post("workbench", json={"path": "talk.wav"}).json() == made
    assert place.read_text() == "mine"
    assert server.http.post("workbench", json={"folder": "deep er"}).json()["path"] == "deep er/workbench.ipynb"


def test_what_may_be_chosen_is_what_is_installed_and_needs_no_more(server: Server) -> None:
    told = server.http.get("choices").json()
    assert told["separators"] == ["speaksep"]  # "file" must be told which
    assert {"flac", "wav", "mp3", "m4a", "ogg", "opus"} <= set(told["formats"])


def test_the_machine_says_what_it_has(server: Server) -> None:
    told = server.http.get("status").json()
    assert told["device"] in ("cpu", "cuda")
    assert 0 < told["memory_bytes"] < told["memory_total_bytes"]
