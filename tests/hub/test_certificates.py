"""The proxy, configured from the settings: certificates that it gets and that it is given; a hub behind TLS."""

from __future__ import annotations

import base64
import datetime
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
import toml
from websockets.sync.client import connect

from speaksep_hub.local.folder import Folder
from speaksep_hub.local.ports import free_ports
from speaksep_hub.proxy import traefik
from speaksep_hub.settings import Settings
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.authority import Authority, authority
from tests.hub.deployment import deployed, provider, write_dashboards
from tests.hub.service_process import ServiceProcess

NAME = "speech.example.org"


@pytest.fixture
def ports() -> tuple[int, int, int]:
    """For https, for http, and of the proxy's own API."""
    one, two, three = free_ports(3)
    return one, two, three


@pytest.fixture
def acme(tmp_path: Path, ports: tuple[int, int, int]) -> Iterator[Authority]:
    with authority(tmp_path, ports[1]) as running:
        yield running


@pytest.fixture
def proxy(tmp_path: Path, ports: tuple[int, int, int]) -> Iterator[Callable[..., None]]:
    """``proxy(certificates="files", …)`` runs traefik as the hub or the supervisor would, with these ``[tls]``."""
    running: list[subprocess.Popen[bytes]] = []

    def run(target: str = "", **tls: Any) -> None:
        https, plain, api = ports
        settings = Settings.model_validate(
            {
                "hub": {"url": f"https://{NAME}:{https}", "listen": f"127.0.0.1:{https}"},
                "ports": {"proxy": api},
                "tls": {"http_port": plain, **tls},
            }
        )
        folder = Folder.open(tmp_path / "hub")
        router = {"rule": "PathPrefix(`/`)", "service": "hub", "entryPoints": [traefik.entry(settings)]}
        # Its own interface answers 404, which will do.
        hub = {"loadBalancer": {"servers": [{"url": target or f"http://127.0.0.1:{api}"}]}}
        routes = {"http": {"routers": {"hub": router}, "services": {"hub": hub}}, **traefik.dynamic_config(settings)}
        traefik.dynamic_file(folder).write_text(toml.dumps(routes))
        command = [Path(sys.executable).with_name("traefik"), f"--configfile={traefik.write_static(settings, folder)}"]
        with (tmp_path / "traefik.log").open("wb") as log:
            environment = os.environ | traefik.proxy_environment(settings)
            running.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))

    yield run
    for process in running:
        process.terminate()
        process.wait()


def handshake(port: int, root: Path, **versions: ssl.TLSVersion) -> dict[str, Any]:
    """The certificate that somebody sees who trusts only this authority."""
    context = ssl.create_default_context(cafile=str(root))
    context.maximum_version = versions.get("newest", ssl.TLSVersion.MAXIMUM_SUPPORTED)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as secure,
    ):
        return dict(secure.getpeercert() or {})


def until_trusted(port: int, root: Path, other_than: str = "") -> dict[str, Any]:
    """Wait for a certificate of this authority, with another number."""
    end = time.monotonic() + 60
    while True:
        with suppress(OSError):
            if (found := handshake(port, root))["serialNumber"] != other_than:
                return found
        assert time.monotonic() < end
        time.sleep(0.1)


def test_certificates_come_by_themselves(
    proxy: Callable[..., None], acme: Authority, ports: tuple[int, int, int], tmp_path: Path
) -> None:
    proxy(certificates="automatic", email="admin@example.org", authority=acme.url, authority_root=str(acme.root))
    certificate = until_trusted(ports[0], acme.root)
    assert certificate["subjectAltName"] == (("DNS", NAME),)
    assert acme.asked == [(NAME, True)]
    kept = tmp_path / "hub" / "certificates.json"
    assert kept.stat().st_mode & 0o077 == 0
    assert json.loads(kept.read_text())["automatic"]["Certificates"]


def test_a_certificate_is_renewed_and_what_is_open_goes_on(
    proxy: Callable[..., None],
    acme: Authority,
    ports: tuple[int, int, int],
    tmp_path: Path,
    start_service: Callable[..., ServiceProcess],
    talk: Path,
) -> None:
    service = start_service()
    acme.lives = datetime.timedelta(minutes=10)
    certificate, key = acme.issue(tmp_path, NAME)
    keep(tmp_path / "hub" / "certificates.json", certificate, key)
    acme.goes_on.clear()  # it will soon be over, and is asked for again at once: but the authority takes its time
    automatic = {"certificates": "automatic", "email": "admin@example.org", "lifetime_hours": 1}
    proxy(service.url, authority=acme.url, authority_root=str(acme.root), **automatic)
    before = until_trusted(ports[0], acme.root)
    trusting = ssl.create_default_context(cafile=str(acme.root))
    with ExitStack() as stack:
        open_ = Open(stack, service, ports[0], trusting, talk)
        open_.hear(0.25)
        assert acme.asked == []
        acme.goes_on.set()
        after = until_trusted(ports[0], acme.root, other_than=before["serialNumber"])
        open_.hear(0.5)
        open_.end()
    assert acme.asked == [(NAME, True)]
    assert after["notAfter"] >= before["notAfter"]


def keep(place: Path, certificate: Path, key: Path) -> None:
    """Leave a certificate where the proxy looks for those that it got before."""
    place.parent.mkdir(mode=0o700)
    texts = {
        name: base64.b64encode(path.read_bytes()).decode()
        for name, path in (("certificate", certificate), ("key", key))
    }
    kept = {"domain": {"main": NAME}, "Store": "default", **texts}
    place.touch(mode=0o600)
    place.write_text(json.dumps({"automatic": {"Account": None, "Certificates": [kept]}}))


class Open:
    """Through the proxy: a stream of a job's events, the same by a websocket, and half of a recording."""

    def __init__(
        self, stack: ExitStack, service: ServiceProcess, port: int, trusting: ssl.SSLContext, talk: Path
    ) -> None:
        self.table = stack.enter_context(JobTable.open(service.jobs))
        batch = f"through {port}"
        self.table.submit(JobRequest(notebook="separate", owner="ann", batch=batch))
        job = self.table.claim("a test", lease_s=600, batch=batch)
        assert job is not None
        self.job = job.id
        signed = {"Authorization": f"Bearer {service.tokens['ann']}"}
        path = f"/api/v1/jobs/{job.id}/events"
        there = socket.create_connection(("127.0.0.1", port), timeout=60)
        address = f"wss://{NAME}:{port}{path}/ws"
        self.socket = stack.enter_context(
            connect(address, sock=there, ssl=trusting, server_hostname=NAME, additional_headers=signed)
        )
        self.stream = stack.enter_context(closing(Secure(port, trusting)))
        self.stream.request("GET", path, headers={"Host": NAME, **signed})
        self.events = self.stream.getresponse()
        assert self.events.status == 200
        self.sound = talk.read_bytes()
        self.upload = stack.enter_context(closing(Secure(port, trusting)))
        self.upload.putrequest("POST", "/api/v1/recordings", skip_host=True)
        for name, value in {"Host": NAME, "Content-Length": str(len(self.sound)), "Content-Type": "audio/wav"}.items():
            self.upload.putheader(name, value)
        self.upload.putheader("Authorization", signed["Authorization"])
        self.upload.endheaders(self.sound[: len(self.sound) // 2])

    def hear(self, fraction: float) -> None:
        """Something happens to the job: both are told."""
        self.table.report(self.job, 1, fraction)
        while json.loads(self.socket.recv(timeout=60))["fraction"] != fraction:
            continue
        while f'"fraction":{fraction}' not in self.events.readline().decode().replace(" ", ""):
            continue

    def end(self) -> None:
        """The job is done, and the recording is sent; each ends as it would have."""
        self.table.succeed(self.job, 1, {"directory": "/nowhere"})
        assert b"event: end" in self.events.read()
        assert json.loads(self.socket.recv(timeout=60))["state"] == "succeeded"
        self.upload.send(self.sound[len(self.sound) // 2 :])
        answer = self.upload.getresponse()
        assert answer.status in (200, 201), answer.read()


class Secure(http.client.HTTPSConnection):
    """To this machine, as if the name led there."""

    def __init__(self, port: int, trusting: ssl.SSLContext) -> None:
        super().__init__(NAME, port, timeout=60, context=trusting)

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        self.sock = self._context.wrap_socket(plain, server_hostname=NAME)  # type: ignore[attr-defined]


def test_without_tls_browsers_are_sent_on(
    proxy: Callable[..., None], acme: Authority, ports: tuple[int, int, int], tmp_path: Path
) -> None:
    certificate, key = acme.issue(tmp_path, NAME)
    proxy(certificates="files", certificate=str(certificate), key=str(key))
    until_trusted(ports[0], acme.root)
    with closing(http.client.HTTPConnection("127.0.0.1", ports[1], timeout=5)) as connection:
        connection.request("GET", "/hub/login?next=x", headers={"Host": NAME})
        answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}:{ports[0]}/hub/login?next=x")


def test_given_certificates_are_used_and_old_tls_is_not_spoken(
    proxy: Callable[..., None], acme: Authority, ports: tuple[int, int, int], tmp_path: Path
) -> None:
    certificate, key = acme.issue(tmp_path, NAME)
    proxy(certificates="files", certificate=str(certificate), key=str(key))
    assert until_trusted(ports[0], acme.root)["subjectAltName"] == (("DNS", NAME),)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"), pytest.raises(OSError, match=r"TLS|SSL|reset"):
        handshake(ports[0], acme.root, newest=ssl.TLSVersion.TLSv1_1)


def test_its_own_interface_wants_the_password(ports: tuple[int, int, int], tmp_path: Path) -> None:
    settings = Settings.model_validate({"ports": {"proxy": ports[2]}})
    config = traefik.static_config(settings, Folder.open(tmp_path / "hub"))
    assert config["api"] == {}  # neither "insecure" nor a dashboard: the hub adds the route, with the password
    assert config["entryPoints"]["auth_api"]["address"] == f"127.0.0.1:{ports[2]}"
    assert not any(config["global"].values())


def test_large_uploads_have_time(tmp_path: Path) -> None:
    config = traefik.static_config(Settings(), Folder.open(tmp_path / "hub"))
    waits = config["entryPoints"]["http"]["transport"]["respondingTimeouts"]
    assert waits == {"readTimeout": "3600s", "writeTimeout": "0s", "idleTimeout": "180s"}


def test_with_subdomains_each_host_gets_its_own_certificate(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "hub": {"url": f"https://{NAME}", "subdomains": True},
            "tls": {"certificates": "automatic", "email": "a@example.org"},
        }
    )
    tls = traefik.static_config(settings, Folder.open(tmp_path / "hub"))["entryPoints"]["https"]["http"]["tls"]
    assert tls == {"options": "default", "certResolver": "automatic"}


@pytest.fixture
def names_lead_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the DNS had an entry for the name and for all below it."""
    really = socket.getaddrinfo

    def find(host: Any, *more: Any, **named: Any) -> Any:
        return really("127.0.0.1" if str(host).endswith(NAME) else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", find)


@pytest.mark.usefixtures("names_lead_here")
def test_a_hub_with_tls_and_a_host_name_for_every_service(
    acme: Authority, ports: tuple[int, int, int], tmp_path: Path
) -> None:
    certificate, key = acme.issue(tmp_path, NAME, f"*.{NAME}")
    hub = {"url": f"https://{NAME}:{ports[0]}", "listen": f"127.0.0.1:{ports[0]}", "subdomains": True}
    tls = {"certificates": "files", "certificate": str(certificate), "key": str(key), "http_port": ports[1]}
    published = {"folder": str(write_dashboards(tmp_path / "published"))}
    with (
        provider(tmp_path) as url,
        deployed(
            tmp_path,
            url,
            hub=hub,
            tls=tls,
            dashboards=published,
            # Servers of one account are refused where others can reach them, and none is started here.
            spawner={"kind": "local"},
        ) as deployment,
    ):
        deployment.verify = ssl.create_default_context(cafile=str(acme.root))
        deployment.knows("vera", "speaksep-viewers")
        browser = deployment.browser()
        browser.headers["Accept"] = "text/html"  # programs are told that they must sign in, browsers are led there
        first = browser.get("hub/login", follow_redirects=False)
        page = deployment.sign_in(browser, "vera", after="")
        explored = browser.get(f"https://voila--service.{NAME}:{ports[0]}/services/voila/")
    assert page.status_code == 200, page.text
    assert page.url.host == f"dashboards--service.{NAME}"
    assert "<h1>Dashboards</h1>" in page.text
    assert explored.url.host == f"voila--service.{NAME}"
    assert "loudness" in explored.text
    assert "max-age=" in first.headers["Strict-Transport-Security"]
    assert [cookie for cookie in first.headers.get_list("set-cookie") if "Secure" not in cookie] == []
