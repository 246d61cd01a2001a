"""A platform brought up by ``speaksep hub up``, as a person would, with a folder of its own on a free port."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

START_S = 120.0
STOP_S = 10.0
Pause = Callable[[float], object]
PARTS = {
    "hub": "-m jupyterhub -f",
    "service": "-m speaksep_hub.service",
    "dashboards": "-m speaksep_hub.dashboards",
    "voila": "-m speaksep_hub.interactive.voila",
    "panel": "-m speaksep_hub.interactive.panel",
    "worker": "jobs work",
    "proxy": "traefik --configfile",
    "provider": "-m speaksep_hub.local.provider",
    "supervisor": "-m speaksep_hub.local.guard",
    "prometheus": "--storage.tsdb.path",
    "alertmanager": "--cluster.listen-address",
}
"""What the command line of each part has in it."""


class RunningHub:
    """A platform that works.

    Attributes
    ----------
    folder
        Everything of it.
    url, service_url
        Addresses of the platform and of its job service, each with a slash at its end.
    trust
        Whose certificates its browsers believe.
    python
        The interpreter whose version of SpeakSep is run.
    """

    python = sys.executable

    def __init__(self, folder: Path, *words: str, **environment: str) -> None:
        self.folder = folder
        self.words = words
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY_", "SPEAKSEP_"))
        }
        self.environment = inherited | {
            "OMP_NUM_THREADS": "1",
            "PYTHONWARNINGS": "default",
            "SPEAKSEP_CACHE": f"{folder}-cache",
            **environment,
        }
        self.url = self.service_url = ""
        self.said: list[str] = []
        self.started_s = 0.0
        self.trust: ssl.SSLContext | bool = True

    def start(self) -> RunningHub:
        """Start it, and wait until it says that it works."""
        begun = time.monotonic()
        self.process = subprocess.Popen(
            [
                self.python,
                "-m",
                "speaksep_kernel.cli",
                "hub",
                "up",
                f"--folder={self.folder}",
                "--port=0",
                "--json",
                *self.words,
            ],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        watchdog = threading.Timer(START_S, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        self.started_s = time.monotonic() - begun
        told = json.loads(line or "{}")
        assert told.get("ok"), f"{told} {self.said} {self.log()}"
        self.url = told["url"] + "/"
        self.service_url = f"{self.url}services/speaksep/"
        return self

    def stop(self, number: int = signal.SIGINT) -> float:
        """End it as Ctrl-C does; the seconds until nothing of it was left."""
        everything = self.processes()
        begun = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(STOP_S * 2)
        finally:
            _, left = psutil.wait_procs(everything, timeout=1.0)
            seconds = time.monotonic() - begun
            for process in left:
                process.kill()
        self._listener.join()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        assert left == []
        return seconds

    def processes(self) -> list[psutil.Process]:
        """All of it, servers of users and their kernels, too."""
        try:
            root = psutil.Process(self.process.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def user_servers(self) -> list[psutil.Process]:
        """Servers of users that run."""
        return self._like("-m speaksep_hub.singleuser")

    def part(self, name: str) -> psutil.Process:
        """Process of a part, by its name in `PARTS`."""
        return self._like(PARTS[name])[0]

    def kill(self, name: str) -> psutil.Process:
        """SIGKILL that part alone; what was killed."""
        process = self.part(name)
        process.kill()
        return process

    def again(
        self, name: str, before: psutil.Process, seconds: float = 60.0, pause: Pause = time.sleep
    ) -> psutil.Process:
        """Wait for the part that the supervisor started in the place of a killed one, until it works."""
        until(lambda: any(found != before for found in self._like(PARTS[name])), seconds, pause)
        until(lambda: any(f"{name} is ready again" in line for line in self.said), seconds, pause)
        return self.part(name)

    def sign_in(self, name: str, role: str = "") -> httpx.Client:
        """Somebody's browser, signed in; nothing else is asked of the hub."""
        browser = httpx.Client(
            base_url=self.url, follow_redirects=True, timeout=60.0, trust_env=False, verify=self.trust
        )
        try:
            page = browser.get("hub/oauth_login", params={"next": "/hub/home"})
            assert page.url.path == "/oauth2/authorize", f"{page.url} {page.text[:2000]}"
            home = browser.post(page.url, data={"name": name, "role": role or name})
            assert home.status_code == 200, f"{home.url} {home.text[:2000]}"
        except BaseException:
            browser.close()
            raise
        return browser

    def server(self, browser: httpx.Client, name: str, seconds: float = 60.0) -> httpx.Response:
        """Start somebody's server, as their browser does; the page it opens with."""
        browser.get("hub/spawn")
        until(lambda: browser.get(f"user/{name}/api").status_code == 200, seconds)
        return browser.get(f"user/{name}/")

    def token(self, browser: httpx.Client, name: str, *scopes: str, seconds: int = 3600) -> str:
        """An API token that somebody makes for themselves; all they may do, unless scopes are named."""
        xsrf = browser.cookies.get("_xsrf", path="/hub/")
        asked = {"note": "of a test", "expires_in": seconds, **({"scopes": list(scopes)} if scopes else {})}
        made = browser.post(f"hub/api/users/{name}/tokens", json=asked, headers={"X-XSRFToken": str(xsrf)})
        assert made.status_code == 201, made.text
        return str(made.json()["token"])

    def log(self) -> str:
        """The ends of all logs."""
        files = sorted((self.folder / "logs").glob("*.log"))
        return "\n".join(f"== {file.name}\n{file.read_text(errors='replace')[-2000:]}" for file in files)

    def _like(self, words: str) -> list[psutil.Process]:
        return [process for process in self.processes() if words in _command(process)]

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip())


@contextmanager
def running_hub(folder: Path, *words: str, **environment: str) -> Iterator[RunningHub]:
    """``speaksep hub up`` with further words, while the block runs."""
    hub = RunningHub(folder, *words, **environment)
    try:
        yield hub.start()
    finally:
        hub.stop()


def until(holds: Callable[[], object], seconds: float = 30.0, pause: Pause = time.sleep) -> None:
    """Wait for something to be true; a browser test gives a pause in which its page goes on."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "never came"
        pause(0.1)


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""
