"""The version before this one and this one on the same data: side by side, one after the other, and back.

Real wheels, a real hub and proxy, jobs in the queue; docs/upgrade.md says what people do.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
import soundfile as sf

from speaksep_hub.client import Client
from speaksep_hub.local.ports import free_ports
from speaksep_kernel.cli import main
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import State
from speaksep_kernel.testing import conversation
from tests.hub.earlier import Earlier, commit
from tests.hub.running import RunningHub, until
from tests.hub.service_process import end
from tests.hub.test_uploads_resumed import TUS, arrived, begin, send

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not commit(), reason="no history to make the version before this one of"),
]
VERSION = "SpeakSep-Version"
"""What answers of the version before do not have yet."""
NEW = version("speaksep")


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Recordings of four seconds."""
    folder = tmp_path_factory.mktemp("talks")
    for seed in range(3):
        sf.write(folder / f"talk{seed}.wav", conversation(4.0, overlap=0.2, seed=70 + seed).audio, 16000)
    return sorted(folder.glob("*.wav"))


class Place:
    """A folder of a platform, and the settings that both versions are told."""

    def __init__(self, folder: Path, earlier: Earlier) -> None:
        hub, self.first, self.second = free_ports(3)
        self.folder, self.earlier = folder, earlier
        self.jobs = str(folder / "jobs.sqlite3")
        settings = {
            "HUB__FOLDER": str(folder),
            "PORTS__HUB": str(hub),
            "DASHBOARDS__INTERACTIVE": "[]",
            "PROTECTION__READ": "100000/minute",
            "PROTECTION__TOKEN": "100000/minute",
        }
        self.both = {f"SPEAKSEP_HUB__{name}": value for name, value in settings.items()}
        self.both["OMP_NUM_THREADS"] = "1"

    @contextmanager
    def up(self, python: str | None = None, systemd: str = "", **settings: str) -> Iterator[RunningHub]:
        """The platform, in this version or with another interpreter, while the block runs; systemd listens there."""
        told = {f"SPEAKSEP_HUB__{name}": value for name, value in settings.items()}
        told |= {"NOTIFY_SOCKET": systemd} if systemd else {}
        hub = RunningHub(self.folder, "--workers=1", **self.earlier.environment | self.both | told)
        hub.python = python or hub.python
        try:
            yield hub.start()
        finally:
            hub.stop(signal.SIGTERM)

    @contextmanager
    def part(self) -> Iterator[subprocess.Popen[bytes]]:
        """The job service of the version before, at the second port."""
        told = self.earlier.environment | self.both | {"SPEAKSEP_HUB__PORTS__SERVICE": str(self.second)}
        command = [self.earlier.python, "-m", "speaksep_kernel.cli", "hub", "part", "speaksep"]
        log = self.folder.with_suffix(".log")
        with log.open("wb") as file:
            process = subprocess.Popen(command, env=told, stdout=file, stderr=file, cwd=self.folder.parent)
        try:
            until(lambda: answers(self.second), 90)
            yield process
        finally:
            process.kill()
            process.wait()


def answers(port: int) -> bool:
    """Whether a job service listens there."""
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/services/speaksep/health", trust_env=False).status_code == 200
    return False


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, earlier: Earlier) -> Place:
    return Place(tmp_path_factory.mktemp("place") / "hub", earlier)


@dataclass
class Side:
    """Both versions behind one proxy, and somebody who works there.

    Parameters
    ----------
    hub
        This version, with all that belongs to it.
    older
        The job service of the version before.
    token
        Of a researcher.
    stop
        Ends the platform.
    """

    hub: RunningHub
    older: subprocess.Popen[bytes]
    token: str
    stop: Callable[[], None]

    def client(self) -> Client:
        return Client(self.hub.service_url, self.token)

    def browser(self) -> httpx.Client:
        return api(self.hub, self.token)


def api(hub: RunningHub, token: str) -> httpx.Client:
    """Requests of somebody, sent once."""
    signed = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"{hub.service_url}api/v1/", headers=signed, timeout=60.0, trust_env=False)


@pytest.fixture(scope="module")
def side(place: Place) -> Iterator[Side]:
    with ExitStack() as stack:
        older = stack.enter_context(place.part())
        replicas = f'["http://127.0.0.1:{place.second}"]'
        hub = stack.enter_context(place.up(PORTS__SERVICE=str(place.first), SERVICE__REPLICAS=replicas))
        with closing(hub.sign_in("rosa", "researcher")) as browser:
            token = hub.token(browser, "rosa")
        yield Side(hub, older, token, stack.close)


class Asking:
    """Somebody who asks the same all the time, one request after the other, and notes how that went.

    Parameters
    ----------
    browser
        Who asks.
    method, path
        What.
    """

    def __init__(self, browser: httpx.Client, method: str = "GET", path: str = "me") -> None:
        self._browser, self._asked, self._over = browser, (method, path), threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.seen: Counter[tuple[str, str]] = Counter()
        """Status and version of answers."""

    def __enter__(self) -> Asking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(0.02):
            try:
                answer = self._browser.request(*self._asked)
                self.seen[str(answer.status_code), answer.headers.get(VERSION, "")] += 1
            except httpx.TransportError as error:
                self.seen[repr(error), ""] += 1

    @property
    def refused(self) -> list[tuple[str, str]]:
        """What was not as it should be."""
        return [seen for seen in self.seen if seen[0] not in ("200", "201")]

    def answers(self, version: str) -> int:
        """How many a version has given."""
        return sum(count for (_, name), count in self.seen.items() if name == version)


class Listening(threading.Thread):
    """Somebody who follows all of their jobs until one that is told later has succeeded."""

    def __init__(self, client: Client) -> None:
        super().__init__(daemon=True)
        self.heard: list[int] = []
        self.last = ""
        self._client = client
        self._begin = client.jobs.all_events()
        self.start()

    def run(self) -> None:
        for event in self._begin:
            self.heard.append(event["seq"])
            if event["job_id"] == self.last and event["state"] == "succeeded":
                return


def in_pieces(browser: httpx.Client, upload: str, data: bytes, sent: int, until_bytes: int) -> int:
    """Send a recording on, by pieces that any process may get; how much has come."""
    while sent < until_bytes:
        answer = send(browser, upload, data[sent : sent + 8000], sent)
        assert answer.status_code == 204, answer.text
        sent = arrived(browser, upload)
    return sent


def test_two_versions_serve_at_once_and_one_takes_over(side: Side, place: Place, talks: list[Path]) -> None:
    with side.client() as client, side.browser() as browser, side.browser() as asks, side.browser() as signs:
        data = talks[0].read_bytes()
        with Asking(asks) as asking, Asking(signs, "POST", "token") as signing:
            until(lambda: min(asking.answers(""), asking.answers(NEW)) >= 5, 60)
            listening = [Listening(client) for _ in range(4)]
            upload = begin(browser, data)
            sent = in_pieces(browser, upload, data, 0, len(data) // 3)
            # This version's process ends, and is started again: until then the other one has all of it.
            before = side.hub.part("service")
            before.send_signal(signal.SIGTERM)
            sent = in_pieces(browser, upload, data, sent, 2 * len(data) // 3)
            side.hub.again("service", before)
            already = asking.answers(NEW)
            until(lambda: asking.answers(NEW) >= already + 5, 60)
        assert asking.refused + signing.refused == []
        # Then the older one ends, which does not say so before: what was on its way to it is sent again by the client.
        end(side.older, signal.SIGTERM)
        until(lambda: client.me()["name"] == "rosa")
        sent = in_pieces(browser, upload, data, sent, len(data))
        arrived_as = browser.head(f"uploads/{upload}", headers=TUS).headers["SpeakSep-Recording"]
        job = client.jobs.submit("diagnose", {"source": arrived_as})
        for each in listening:
            each.last = job["id"]
        client.jobs.wait(job)
        for each in listening:
            each.join(60)
        with JobTable.open(place.jobs) as table:
            told = [event.seq for event in table.events()]
        assert [each.heard for each in listening] == [told] * 4


def test_the_version_before_works_on_with_jobs_in_the_queue_and_so_does_this_one(
    side: Side, place: Place, earlier: Earlier, talks: list[Path]
) -> None:
    """The last one: the platform is stopped."""
    end(side.older, signal.SIGTERM)  # it does not know of notices
    with side.client() as client:
        recordings = client.recordings.upload_many(talks[1:])
        jobs = [client.jobs.submit("diagnose", {"source": each["id"]}) for each in recordings]
        share = client.shares.collection(users=["vera"])
        client.notices.wish(jobs="none")
        until(lambda: client.jobs.get(jobs[0])["state"] != "queued", 60)
    side.stop()
    known = everything(place)
    assert known["queued"] & {job["id"] for job in jobs[1:]}

    needed = earlier.run("jobs", "schema", "--needed").split()
    assert main(["jobs", "schema", "--jobs", place.jobs, *needed]) == 0
    with place.up(earlier.python) as hub, Client(hub.service_url, side.token) as client:
        assert {each["id"] for each in client.jobs.all()} == set().union(*known.values())
        assert {each["id"] for each in client.recordings.all()} >= {each["id"] for each in recordings}
        assert [each["id"] for each in client.shares.all()] == [share["id"]]
        client.jobs.wait(jobs[0])
        more = client.jobs.submit("diagnose", {"source": recordings[0]["id"]}, key="more")

    with ExitStack() as stack:
        systemd = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        systemd.bind("\0speaksep-" + place.jobs[-80:])
        hub = stack.enter_context(place.up(systemd="@" + str(systemd.getsockname()[1:], "utf-8")))
        client = stack.enter_context(Client(hub.service_url, side.token))
        systemd.settimeout(10)
        assert systemd.recv(100) == b"READY=1"
        for job in [*jobs, more]:
            client.jobs.wait(job)
            assert any(file["name"].endswith("diagnosis.json") for file in client.results.files(job))
        assert client.notices.get()["jobs"] == "all", "what only this version keeps is as it comes"
    with JobTable.open(place.jobs) as table:
        ended = Counter(event.job_id for event in table.events() if event.state is State.SUCCEEDED)
        assert {ended[job["id"]] for job in [*jobs, more]} == {1}


def everything(place: Place) -> dict[str, set[str]]:
    """Ids of all jobs by their states, of a platform that is stopped."""
    with JobTable.open(place.jobs) as table:
        found: dict[str, set[str]] = {}
        for job in table.jobs():
            found.setdefault(job.state, set()).add(job.id)
        return found
