"""Servers that a running hub starts: sizes, reasons, named ones, limits, and what is left when the hub ends."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.hub.deployment import Deployment


@pytest.fixture(scope="module")
def researcher(deployment: Deployment) -> httpx.Client:
    """Somebody who may have servers."""
    return deployment.once_signed_in("rosa", "speaksep-researchers")


@pytest.fixture(scope="module")
def server(deployment: Deployment, researcher: httpx.Client) -> Iterator[str]:
    """The environment of a small server that runs, as its own process has it; it is stopped afterwards."""
    answer = deployment.api(researcher, "POST", "users/rosa/server", {"profile": "small"})
    assert answer.status_code in (201, 202), answer.text
    deployment.until(lambda: deployment.user(researcher, "rosa")["servers"].get("", {}).get("ready"))
    yield deployment.user(researcher, "rosa")["servers"][""]["url"]
    deployment.api(researcher, "DELETE", "users/rosa/server")


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        pytest.param({"profile": "huge"}, 400, "no size of server called 'huge'", id="unknown"),
        pytest.param({"profile": "large"}, 403, "not open to your groups", id="of another group"),
        pytest.param({"profile": "gpu"}, 409, "here is none to be had", id="no GPU"),
    ],
)
def test_a_server_is_refused_with_the_reason(
    deployment: Deployment, options: dict[str, str], status: int, said: str
) -> None:
    browser = deployment.once_signed_in("ruth", "speaksep-researchers")
    answer = deployment.api(browser, "POST", "users/ruth/server", options)
    assert (answer.status_code, said in answer.text) == (status, True), answer.text


def test_the_form_offers_what_is_open(deployment: Deployment) -> None:
    form = deployment.once_signed_in("ruth", "speaksep-researchers").get("hub/spawn").text
    assert "Small (1 GiB, 1 cores, no GPU)" in form
    assert "large" not in form


def test_a_server_is_what_was_asked_for(deployment: Deployment, server: str) -> None:
    environment = deployment.user_server("rosa").environ()
    assert environment["MEM_LIMIT"] == str(1024**3)
    assert environment["SPEAKSEP_DEVICE"] == "cpu"
    assert environment["HOME"] == str(deployment.folder / "hub" / "homes" / "rosa")
    assert [name for name in environment if name.startswith(("SPEAKSEP_HUB", "OAUTH"))] == []


def test_only_its_owner_gets_to_a_server(deployment: Deployment, researcher: httpx.Client, server: str) -> None:
    assert researcher.get(server.lstrip("/") + "lab").status_code == 200
    other = deployment.once_signed_in("rudi", "speaksep-researchers")
    assert other.get(server.lstrip("/") + "lab").status_code in (403, 404)
    assert other.get(server.lstrip("/") + "api/contents").status_code in (403, 404)
    assert deployment.browser().get(server.lstrip("/") + "lab").url.path == "/hub/login"


def test_a_person_has_no_more_named_servers_than_allowed(deployment: Deployment, researcher: httpx.Client) -> None:
    first = deployment.api(researcher, "POST", "users/rosa/servers/second", {"profile": "small"})
    assert first.status_code in (201, 202), first.text
    more = deployment.api(researcher, "POST", "users/rosa/servers/third", {"profile": "small"})
    assert more.status_code == 400
    deployment.until(lambda: not deployment.user(researcher, "rosa")["servers"]["second"]["pending"])
    assert deployment.api(researcher, "DELETE", "users/rosa/servers/second").status_code in (202, 204)


def test_what_nobody_uses_is_stopped(deployment: Deployment) -> None:
    culler = deployment.part("jupyterhub_idle_culler")
    assert "--timeout=3600" in culler.cmdline()


def test_reasons_are_counted(deployment: Deployment) -> None:
    browser = deployment.once_signed_in("ruth", "speaksep-researchers")
    deployment.api(browser, "POST", "users/ruth/server", {"profile": "gpu"})
    admin = deployment.once_signed_in("ada", "speaksep-admins")
    assert 'reason="no-gpu"' in admin.get("hub/metrics").text


def test_a_server_ends_when_it_is_stopped(deployment: Deployment) -> None:
    browser = deployment.once_signed_in("tim", "speaksep-researchers")
    assert deployment.api(browser, "POST", "users/tim/server", {}).status_code in (201, 202)
    deployment.until(lambda: deployment.user(browser, "tim")["servers"].get("", {}).get("ready"))
    process = deployment.user_server("tim")
    deployment.api(browser, "DELETE", "users/tim/server")
    psutil.wait_procs([process], timeout=20)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
