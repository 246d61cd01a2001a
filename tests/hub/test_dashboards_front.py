"""The front of the dashboards behind a running hub: who gets in by sign-in, by group and by token, and how soon not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.jobs.job import Job, JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.running import RunningHub, until

PLACE = "services/dashboards/"
PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def hub(platform: RunningHub) -> RunningHub:
    return platform


@pytest.fixture(scope="module")
def job(hub: RunningHub) -> Job:
    """Something of Rosa's that failed."""
    with JobTable.open(hub.folder / "jobs.sqlite3") as table:
        made = table.submit(JobRequest(notebook="separate", parameters={"source": "/gone.wav"}, owner="rosa"))
        until(lambda: table.get(made.id).finished, 90)
        return table.get(made.id)


@pytest.fixture(scope="module")
def catalogue(hub: RunningHub) -> Iterator[Catalogue]:
    with Catalogue.open(hub.folder / "jobs.sqlite3") as catalogue:
        yield catalogue


@pytest.fixture(scope="module")
def rosa(hub: RunningHub) -> Iterator[httpx.Client]:
    with closing(hub.sign_in("rosa", "researcher")) as browser:
        yield browser


@pytest.fixture(scope="module")
def vera(hub: RunningHub) -> Iterator[httpx.Client]:
    with closing(hub.sign_in("vera", "viewer")) as browser:
        yield browser


def test_a_viewer_comes_to_what_is_shared_with_her_group(
    vera: httpx.Client, rosa: httpx.Client, catalogue: Catalogue, job: Job
) -> None:
    share = catalogue.shares.create(
        "rosa", "recording", {"job": job.id}, title="The interview", groups=["speaksep-viewers"]
    )
    index = vera.get(PLACE, headers=PAGE)
    assert (index.status_code, index.url.path) == (200, f"/{PLACE}")
    assert "The interview" in index.text
    assert "Mine" not in index.text
    page = vera.get(f"{PLACE}share/{share.id}/", headers=PAGE)
    assert page.status_code == 200
    assert "shared by rosa" in page.text
    assert f"/services/voila/voila/render/recording.ipynb?share={share.id}" in page.text
    assert rosa.get(f"{PLACE}share/{share.id}/data").status_code == 401  # not signed in there yet
    assert "services/speaksep" not in page.text
    own = rosa.get(f"{PLACE}mine/recording/{job.id}/", headers=PAGE)
    assert own.status_code == 200
    assert f"/services/speaksep/?share=recording%2F{job.id}" in own.text
    assert f"/services/panel/recording?mine={job.id}" in own.text


def test_others_are_told_nothing(vera: httpx.Client, catalogue: Catalogue, job: Job) -> None:
    share = catalogue.shares.create("rosa", "recording", {"job": job.id}, users=["somebody"])
    vera.get(PLACE, headers=PAGE)
    assert vera.get(f"{PLACE}share/{share.id}/data").json()["reason"] == "unknown-share"
    assert vera.get(f"{PLACE}mine/recording/{job.id}/data").json()["reason"] == "missing-scope"
    assert vera.get(f"{PLACE}operations/data").json()["reason"] == "missing-scope"


def test_an_administrator_sees_how_the_platform_does(hub: RunningHub) -> None:
    with closing(hub.sign_in("ada", "admin")) as ada:
        assert "Operations" in ada.get(PLACE, headers=PAGE).text
        assert ada.get(f"{PLACE}operations/", headers=PAGE).status_code == 200


def test_batch_and_strangers_stay_outside(hub: RunningHub) -> None:
    with closing(hub.sign_in("bea", "batch")) as bea:
        assert bea.get(PLACE, headers=PAGE).status_code == 403
    with httpx.Client(base_url=hub.url, follow_redirects=True, trust_env=False) as stranger:
        assert stranger.get(PLACE, headers=PAGE).url.path == "/hub/login"


def test_a_token_opens_it_only_with_the_scope(hub: RunningHub, rosa: httpx.Client) -> None:
    access = "access:services!service=dashboards"
    statuses = []
    for scope in ("jobs:read", "dashboards:view"):
        secret = hub.token(rosa, "rosa", access, f"custom:speaksep:{scope}")
        answer = httpx.get(hub.url + PLACE, headers={"Authorization": f"Bearer {secret}"}, trust_env=False)
        statuses.append(answer.status_code)
    assert statuses == [403, 200]


def test_who_signed_out_is_out_also_with_a_copied_cookie(hub: RunningHub) -> None:
    with closing(hub.sign_in("saul", "viewer")) as saul:
        assert saul.get(PLACE, headers=PAGE).status_code == 200
        copied = httpx.Cookies(saul.cookies)
        saul.get("hub/logout")
    with httpx.Client(base_url=hub.url, cookies=copied, trust_env=False) as thief:
        begun = time.monotonic()
        until(lambda: thief.get(PLACE).status_code == 401, 10)
        assert time.monotonic() - begun < 5


def test_the_job_service_takes_no_cookie_of_the_dashboards(hub: RunningHub, vera: httpx.Client) -> None:
    vera.get(PLACE, headers=PAGE)
    cookie = next(each for each in vera.cookies.jar if each.name == "speaksep-session" and PLACE in each.path)
    with httpx.Client(base_url=hub.url, cookies={"speaksep-session": str(cookie.value)}, trust_env=False) as thief:
        assert thief.get("services/speaksep/api/v1/jobs").status_code == 403
