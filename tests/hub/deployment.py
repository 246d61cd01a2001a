"""A hub as in production: ``jupyterhub -f hub/jupyterhub_config.py`` with PostgreSQL and an OpenID Connect provider.

The hub starts its services and the proxy itself here; ``speaksep hub up``, which does not, is in running.py.
"""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import nbformat
import psutil

from speaksep_hub.local.ports import free_ports
from speaksep_hub.settings.toml import as_toml

ROOT = Path(__file__).parents[2]
START_S = 120.0
STOP_S = 15.0
OTHERS = ("JUPYTER", "JPY_", "SPEAKSEP_")


class Deployment:
    """A hub with its provider.

    Attributes
    ----------
    url
        With a slash at its end.
    provider
        Address of the provider, where ``PUT /users/NAME`` says what it knows of somebody.
    """

    def __init__(self, folder: Path, provider: str, settings: dict[str, dict[str, Any]]) -> None:
        names = ("hub", "proxy", "service", "dashboards", "voila", "panel", "provider")
        public, *ports = free_ports(len(names) + 1)
        self.folder, self.provider = folder, provider
        url = f"http://127.0.0.1:{public}"
        values: dict[str, dict[str, Any]] = {
            "hub": {"url": url, "folder": str(folder / "hub")},
            "ports": dict(zip(names, ports, strict=True)),
            "sign_in": {
                "provider": "generic-oauth",
                "client_secret": "not-checked-by-the-mock",
                "authorize_url": f"{provider}/oauth2/authorize",
                "token_url": f"{provider}/oauth2/token",
                "userinfo_url": f"{provider}/userinfo",
                "logout_url": f"{provider}/oauth2/end_session",
            },
        }
        for section, more in settings.items():
            values[section] = values.get(section, {}) | more
        self.url = values["hub"]["url"].rstrip("/") + "/"
        self.ports = values["ports"]
        self.config = folder / "hub.toml"
        self.config.write_text(as_toml(values))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
        self.environment = inherited | {
            "OMP_NUM_THREADS": "1",
            "SPEAKSEP_CACHE": f"{folder}-cache",
            "SPEAKSEP_HUB_CONFIG": str(self.config),
        }
        self.log = folder / "hub.log"
        self.verify: ssl.SSLContext | bool = True
        self._opened: list[httpx.Client] = []
        self._browsers: dict[str, httpx.Client] = {}

    def start(self) -> None:
        """Start the hub and wait until it runs; before that it would leave its services when it is ended."""
        command = [sys.executable, "-m", "jupyterhub", "-f", str(ROOT / "hub" / "jupyterhub_config.py")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=_as_in_a_script,
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        while "JupyterHub is now running" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()[-5000:]
            assert time.monotonic() < deadline, self.log.read_text()[-5000:]
            time.sleep(0.2)

    def stop(self) -> float:
        """End it as an administrator does; the seconds until nothing of it was left."""
        for browser in self._opened:
            browser.close()
        parts = self._parts()
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        finally:
            _, left = psutil.wait_procs(parts, timeout=2)
            names = [" ".join(each.cmdline()) for each in left]
            for each in left:
                each.kill()
            self.process.kill()
            self.process.wait()
        assert names == []
        return time.monotonic() - begun

    @property
    def api_url(self) -> str:
        """The hub's API, past the proxy."""
        return f"http://127.0.0.1:{self.ports['hub']}/hub/api"

    def knows(self, name: str, *groups: str, **claims: Any) -> None:
        """Tell the provider what it knows of somebody."""
        answer = httpx.put(
            f"{self.provider}/users/{name}", json={"preferred_username": name, "groups": list(groups), **claims}
        )
        assert answer.status_code == 204

    def browser(self) -> httpx.Client:
        """Somebody's browser."""
        made = httpx.Client(base_url=self.url, follow_redirects=True, timeout=60.0, trust_env=False, verify=self.verify)
        self._opened.append(made)
        return made

    def signed_in(self, name: str, *groups: str, **claims: Any) -> httpx.Client:
        """The browser of somebody who has come back from the provider; the page they came to is checked by nobody."""
        self.knows(name, *groups, **claims)
        browser = self.browser()
        self.sign_in(browser, name)
        return browser

    def sign_in(self, browser: httpx.Client, name: str, after: str = "hub/home") -> httpx.Response:
        """Go through the provider's page in a browser."""
        page = browser.get("hub/oauth_login", params={"next": f"{urlsplit(self.url).path}{after}"} if after else {})
        assert page.url.path == "/oauth2/authorize", page.text[:500]
        return browser.post(page.url, data={"sub": name})

    def once_signed_in(self, name: str, group: str) -> httpx.Client:
        """As `signed_in`; whoever is asked for again comes with the same browser."""
        if name not in self._browsers:
            self._browsers[name] = self.signed_in(name, group)
        return self._browsers[name]

    def api(self, browser: httpx.Client, method: str, path: str, body: object = None) -> httpx.Response:
        """Ask the hub's API as its pages do."""
        page = browser.get("hub/token")
        found = re.search(r'xsrf_token: "([^"]+)"', page.text)
        assert found is not None, page.text[:3000]
        return browser.request(method, f"hub/api/{path}", params={"_xsrf": found[1]}, json=body)

    def may(self, browser: httpx.Client) -> set[str]:
        """Everything that the hub says somebody may do."""
        return set(self.api(browser, "GET", "user").json()["scopes"])

    def user(self, browser: httpx.Client, name: str) -> dict[str, Any]:
        """What the hub tells of somebody and their servers."""
        told: dict[str, Any] = self.api(browser, "GET", f"users/{name}").json()
        return told

    def part(self, words: str) -> psutil.Process:
        """A process below the hub, by what is in its command line."""
        return next(each for each in self._parts() if words in " ".join(each.cmdline()))

    def user_server(self, name: str) -> psutil.Process:
        """Somebody's server."""
        servers = (each for each in self._parts() if "speaksep_hub.singleuser" in " ".join(each.cmdline()))
        return next(each for each in servers if each.environ().get("JUPYTERHUB_USER") == name)

    def _parts(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    @staticmethod
    def until(holds: Callable[[], object], seconds: float = 90.0) -> None:
        """Wait for something to be true."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "never came"
            time.sleep(0.3)

    def token(self, browser: httpx.Client, name: str, *scopes: str) -> httpx.Response:
        """Ask the hub for an API token."""
        wanted = {"scopes": list(scopes)} if scopes else {}
        return self.api(browser, "POST", f"users/{name}/tokens", {"note": "test", "expires_in": 3600, **wanted})

    def scopes_of(self, token: str) -> set[str]:
        """Everything that the hub says the bearer of a token may do."""
        answer = httpx.get(f"{self.api_url}/user", headers={"Authorization": f"token {token}"})
        assert answer.status_code == 200, answer.text
        return set(answer.json()["scopes"])


def _as_in_a_script() -> None:
    """What a script starts in the background begins with this signal ignored, and so does what that starts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def write_dashboards(folder: Path) -> Path:
    """Two published notebooks: one with a widget, and one that fails."""
    folder.mkdir()
    cells = {
        "loudness": [
            "import os\nimport ipywidgets\nslider = ipywidgets.IntSlider(value=3, description='Loudness')\nslider",
            "print('secrets:', sorted(name for name in os.environ if 'TOKEN' in name or 'SECRET' in name), 'end')",
        ],
        "broken": ["raise RuntimeError('a path of the server')"],
    }
    for name, sources in cells.items():
        contents = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in sources],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(contents, folder / f"{name}.ipynb")
    (folder / "notes.txt").write_text("not published")
    (folder / "talk.flac").write_bytes(b"fLaC")
    return folder


def query_of(response: httpx.Response) -> dict[str, str]:
    """What stands behind the question mark of where a browser was sent."""
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}


@contextmanager
def provider(folder: Path) -> Iterator[str]:
    """An OpenID Connect provider that signs in anybody; its address."""
    (port,) = free_ports(1)
    url = f"http://localhost:{port}"
    with (folder / "provider.log").open("ab") as log:
        command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until_it_answers(f"{url}/.well-known/openid-configuration", process)
        yield url
    finally:
        process.kill()
        process.wait()


def until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait for a server."""
    deadline = time.monotonic() + START_S
    while True:
        with suppress(httpx.HTTPError):
            httpx.get(url, trust_env=False)
            return
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextmanager
def deployed(folder: Path, provider_url: str, **settings: dict[str, Any]) -> Iterator[Deployment]:
    """A hub with these settings, while the block runs."""
    deployment = Deployment(folder, provider_url, settings)
    deployment.start()
    try:
        yield deployment
    finally:
        deployment.stop()
