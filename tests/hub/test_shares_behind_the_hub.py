"""Sharing behind a running hub, the whole way: the API gives an address, people come to it by sign-in and link."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from speaksep_hub.audit.events import name_of
from speaksep_hub.audit.verify import entries
from speaksep_hub.client import Client
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.running import RunningHub

PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def job(platform: RunningHub) -> str:
    """A job of Rosa's, whatever becomes of it: there is a page that says so."""
    with JobTable.open(platform.folder / "jobs.sqlite3") as table:
        made = table.submit(JobRequest(notebook="separate", parameters={"source": "/gone.wav"}, owner="rosa"))
        return table.cancel(made.id).id


@pytest.fixture(scope="module")
def rosa(platform: RunningHub) -> Iterator[Client]:
    """Rosa's program."""
    with closing(platform.sign_in("rosa", "researcher")) as browser:
        token = platform.token(
            browser, "rosa", "access:services!service=speaksep", *_scopes("dashboards:share", "recordings:read")
        )
    with Client(platform.service_url.rstrip("/"), token) as client:
        yield client


@pytest.fixture(scope="module")
def vera(platform: RunningHub) -> Iterator[httpx.Client]:
    with closing(platform.sign_in("vera", "viewer")) as browser:
        yield browser


def _scopes(*names: str) -> tuple[str, ...]:
    return tuple(f"custom:speaksep:{name}" for name in names)


def told(platform: RunningHub, share: str) -> list[tuple[str, str]]:
    """Who did what with a share, in the trail."""
    found = [each for each in entries(platform.folder / "audit") if each.get("share") == share]
    return [(str(each["actor"]), name_of(str(each["__schema__"]))) for each in found]


def test_the_address_that_is_handed_on_opens_the_page(
    platform: RunningHub, rosa: Client, vera: httpx.Client, job: str
) -> None:
    share = rosa.shares.recording(job, users=["vera"], title="The interview")
    assert share["url"] == f"{platform.url}services/dashboards/share/{share['id']}/"
    assert rosa.me()["dashboards"] == f"{platform.url}services/dashboards/"
    page = vera.get(str(share["url"]), headers=PAGE)
    assert (page.status_code, str(page.url)) == (200, share["url"])
    assert "The interview" in page.text
    rosa.shares.revoke(share)
    over = vera.get(str(share["url"]), headers=PAGE)
    assert (over.status_code, "was revoked" in over.text) == (410, True)
    assert told(platform, share["id"]) == [
        ("rosa", "share-made"),
        ("vera", "share-opened"),
        ("rosa", "share-revoked"),
        ("vera", "share-refused"),
    ]


def test_a_link_is_followed_after_signing_in(platform: RunningHub, rosa: Client, job: str) -> None:
    share = rosa.shares.recording(job)
    link = rosa.shares.make_link(share, expires_s=600)
    assert link["url"].startswith(f"{platform.url}services/dashboards/link/")
    with closing(platform.sign_in("viktor", "viewer")) as viktor:
        page = viktor.get(link["url"], headers=PAGE)
        assert (page.status_code, str(page.url)) == (200, share["url"])
        assert viktor.get(f"{share['url']}data").status_code == 200
        rosa.shares.revoke_link(share, link["id"])
        assert viktor.get(f"{share['url']}data").json()["reason"] == "revoked-link"
        assert viktor.get(link["url"]).status_code == 410
    with httpx.Client(base_url=platform.url, follow_redirects=True, trust_env=False) as stranger:
        other = rosa.shares.make_link(share, expires_s=600)
        assert stranger.get(other["url"], headers=PAGE).url.path == "/hub/login"
        assert stranger.get(other["url"]).status_code == 401
    kept = [*(platform.folder / "audit").glob("*.jsonl"), *(platform.folder / "logs").glob("*.log")]
    assert len(kept) > 3
    for token in (link["token"], other["token"]):
        assert [path.name for path in kept if token in path.read_text(errors="replace")] == []


def test_viewers_and_batches_share_nothing(platform: RunningHub, vera: httpx.Client) -> None:
    assert vera.get("services/speaksep/api/v1/shares").status_code in (401, 403)
    with closing(platform.sign_in("bea", "batch")) as bea:
        token = platform.token(bea, "bea", *_scopes("jobs:read"))
    with Client(platform.service_url.rstrip("/"), token) as client, pytest.raises(Exception, match="dashboards:share"):
        list(client.shares.all())
