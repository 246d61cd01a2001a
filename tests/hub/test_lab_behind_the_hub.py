"""The extension on a person's server of the hub: the service does the jobs in that person's name, and nobody else's."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import httpx
import pytest

from speaksep_hub.scopes import short_names
from tests.hub.running import RunningHub, until


@pytest.fixture(scope="module")
def researcher(platform: RunningHub, talk: Path) -> str:
    """A token of somebody whose server runs, with a recording in their home."""
    with closing(platform.sign_in("lab-researcher", "researcher")) as browser:
        platform.server(browser, "lab-researcher")
        (platform.folder / "homes" / "lab-researcher" / "talk.wav").write_bytes(talk.read_bytes())
        return platform.token(browser, "lab-researcher")


def lab(platform: RunningHub, token: str) -> httpx.Client:
    """Somebody at that server's addresses."""
    headers = {"Authorization": f"token {token}"}
    return httpx.Client(
        base_url=f"{platform.url}user/lab-researcher/speaksep/", headers=headers, timeout=60, trust_env=False
    )


def test_the_service_does_it_in_the_persons_name(platform: RunningHub, researcher: str) -> None:
    with lab(platform, researcher) as mine:
        assert mine.get("jobs").json()["service"]["standing"] == "open"
        asked = mine.post("jobs", json={"verb": "diagnose", "paths": ["talk.wav"]})
        assert (asked.status_code, asked.json()["where"]) == (200, "service")
        until(lambda: [job["state"] for job in mine.get("jobs").json()["jobs"]] == ["succeeded"], 240.0)
        [job] = mine.get("jobs").json()["jobs"]
        assert (job["where"], job["name"], job["verb"]) == ("service", "talk.wav", "diagnose")
        assert job["page"] == f"{platform.url}services/dashboards/mine/recording/{job['id']}/"
        assert mine.get("voices").json()["voices"] == []


@pytest.mark.usefixtures("researcher")
@pytest.mark.parametrize("role", ["viewer", "researcher", "batch"])
def test_nobody_else_gets_in(platform: RunningHub, role: str) -> None:
    with closing(platform.sign_in(f"lab-{role}-too", role)) as browser:
        for address in ("jobs", "status", "voices", "recording/talk.wav/data"):
            assert browser.get(f"user/lab-researcher/speaksep/{address}").status_code == 403, address
        asked = {"verb": "diagnose", "paths": ["talk.wav"]}
        assert browser.post("user/lab-researcher/speaksep/jobs", json=asked).status_code == 403


@pytest.mark.usefixtures("researcher")
def test_a_servers_token_may_work_and_not_share(platform: RunningHub) -> None:
    [server] = [each for each in platform.user_servers() if each.environ().get("JUPYTERHUB_USER") == "lab-researcher"]
    headers = {"Authorization": f"token {server.environ()['JUPYTERHUB_API_TOKEN']}"}
    told = httpx.get(f"{platform.url}hub/api/user", headers=headers, trust_env=False).json()
    assert {"jobs:submit", "recordings:write", "voices:write"} <= short_names(told["scopes"])
    assert not {"dashboards:share", "admin"} & short_names(told["scopes"])
    assert httpx.get(f"{platform.url}hub/api/users/lab-researcher/tokens", headers=headers).status_code in (403, 404)
