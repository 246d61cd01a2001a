"""A stranger's path: every block of docs/tls.md copied into a clean shell, while people work on what comes up."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.sync.client import connect

from speaksep_hub.local.ports import free_ports
from tests.hub.running import PARTS, RunningHub

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tls.md"
MARK = "<!-- run by: tests/hub/test_tls_page.py -->"
DONE = "the block is done"
PATIENCE_S = 180.0


class Shell:
    """A bash with nothing in its environment but a home and where programs are."""

    def __init__(self, home: Path, wheels: Path) -> None:
        self.home = home
        environment = {
            "HOME": str(home),
            # With the Python, and the traefik, that installing would bring; pip finds the wheel as it would elsewhere.
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
            "PIP_NO_DEPS": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "OMP_NUM_THREADS": "1",
            "SPEAKSEP_HUB__DASHBOARDS__INTERACTIVE": "[]",  # less to start
        }
        self.process = subprocess.Popen(
            ["bash", "--norc", "-e", "-o", "pipefail"],
            env=environment,
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, block: str) -> str:
        """Type a block; what was said until it was done."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{block}\necho '{DONE}'\n")
        self.process.stdin.flush()
        said = []
        for line in self.process.stdout:
            if line.strip() == DONE:
                return "".join(said)
            said.append(line)
        raise AssertionError(f"the shell ended in:\n{block}\nit said:\n{''.join(said)}\n{self.log()}")

    def log(self) -> str:
        """What the platform said."""
        return "\n".join(path.read_text()[-1500:] for path in sorted(self.home.glob("platform/logs/*.log")))

    def end(self) -> None:
        """Close it, and end what a block that failed may have left."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self.process.wait(PATIENCE_S)
        _, left = psutil.wait_procs(self.started(), timeout=PATIENCE_S)
        assert left == []

    def started(self) -> list[psutil.Process]:
        """The platform, if it still runs."""
        place = self.home / "platform" / "run" / "up.json"
        with suppress(OSError, psutil.NoSuchProcess):
            return [psutil.Process(json.loads(place.read_text())["pid"])]
        return []


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this version."""
    folder = tmp_path_factory.mktemp("wheels")
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(folder)], check=True, cwd=ROOT)
    return folder


@pytest.fixture
def shell(tmp_path: Path, wheels: Path) -> Iterator[Shell]:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    shell = Shell(home, wheels)
    yield shell
    shell.end()


def blocks() -> list[str]:
    """Those of the page, in order."""
    return re.findall(rf"{re.escape(MARK)}\n\n```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)


def dependencies(home: Path) -> None:
    """What pip would have fetched is what these tests run with."""
    (place,) = (home / "speaksep" / "lib").glob("python*/site-packages")
    (place / "fetched.pth").write_text(sysconfig.get_path("purelib") + "\n")


@pytest.mark.timeout(900)  # it starts everything, one after the other
@pytest.mark.skipif(not all(map(shutil.which, ("openssl", "curl", "bash"))), reason="openssl, curl or bash is missing")
def test_a_stranger_comes_from_nothing_to_tls(shell: Shell, talk: Path) -> None:
    first, install, authority, settings, start, look, renew, end, public = blocks()
    https, http = free_ports(2)
    assert "HTTPS=8443 HTTP=8080" in first
    shell.run(first.replace("8443", str(https)).replace("8080", str(http)))
    shell.run(install)
    dependencies(shell.home)
    shell.run(authority)
    assert "BAD" not in shell.run(settings)
    assert f"SpeakSep is at https://localhost:{https}" in shell.run(start)
    said = shell.run(look)
    assert f"https://localhost:{https}/hub/login" in said
    assert "max-age=31536000" in said
    assert "old TLS is refused" in said
    assert "ok   hub parts: hub, proxy, provider, service, dashboards, worker are ready" in said
    assert "shows the certificate until" in said
    with ExitStack() as stack:
        person = Person(stack, shell.home, f"https://localhost:{https}/", talk)
        person.hear("queued")
        assert "was serial=" in shell.run(renew)
        person.hear_the_end()
    shell.run(end)
    assert shell.started() == []
    assert "BAD" not in shell.run(public)
    assert "new connections get the certificate" in (shell.home / "platform" / "logs" / "hub.log").read_text()


class Person:
    """Somebody who signed in, sent a recording, and follows the job by a stream and by a WebSocket."""

    def __init__(self, stack: ExitStack, home: Path, url: str, talk: Path) -> None:
        hub = RunningHub(home / "platform")
        hub.url, hub.trust = url, ssl.create_default_context(cafile=str(home / "tls" / "authority.pem"))
        browser = stack.enter_context(closing(hub.sign_in("researcher")))
        assert {cookie.secure for cookie in browser.cookies.jar if cookie.name.startswith("jupyterhub")} == {True}
        signed = {"Authorization": f"Bearer {hub.token(browser, 'researcher')}"}
        api = f"{url}services/speaksep/api/v1/"
        program = httpx.Client(base_url=api, headers=signed, verify=hub.trust, timeout=60, trust_env=False)
        stack.enter_context(program)
        made = program.post("recordings", content=talk.read_bytes(), headers={"Content-Type": "audio/wav"})
        assert made.status_code in (200, 201), made.text
        self.worker = worker_of(home / "platform")
        self.worker.suspend()  # so that the job is still there when the certificate is another
        stack.callback(self.worker.resume)
        job = program.post(f"recordings/{made.json()['id']}/separations", json={"speakers": 2})
        assert job.status_code == 202, job.text
        path = f"jobs/{job.json()['id']}/events"
        self.events = stack.enter_context(program.stream("GET", path))
        self.lines = self.events.iter_lines()
        address = f"wss{api.removeprefix('https')}{path}/ws"
        self.socket = stack.enter_context(connect(address, ssl=hub.trust, additional_headers=signed, proxy=None))

    def hear(self, state: str) -> None:
        """Wait until both have told of a state."""
        while json.loads(self.socket.recv(timeout=PATIENCE_S))["state"] != state:
            continue
        assert any(f'"{state}"' in line for line in self.lines)

    def hear_the_end(self) -> None:
        """The job is done, as both tell."""
        self.worker.resume()
        self.hear("succeeded")
        assert any(line == "event: end" for line in self.lines)


def worker_of(folder: Path) -> psutil.Process:
    """The process that works on jobs of a platform."""
    platform = psutil.Process(json.loads((folder / "run" / "up.json").read_text())["pid"])
    return next(each for each in platform.children(recursive=True) if PARTS["worker"] in " ".join(each.cmdline()))
