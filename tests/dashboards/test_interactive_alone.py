"""Voila and Panel on one machine, without a hub: for whoever started them."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from speaksep_dashboards.desk import TABLE
from speaksep_hub.interactive.alone import running
from speaksep_kernel.jobs.job import JobRequest, user_name
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.running import until

TOKEN = "only-who-started-it-knows"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a desk with one job, which was cancelled."""
    folder = tmp_path_factory.mktemp("desk")
    with JobTable.open(folder / TABLE) as table:
        made = table.submit(JobRequest(notebook="separate", parameters={"source": "/gone.wav"}, owner=user_name()))
        table.cancel(made.id)
    return folder


@pytest.mark.parametrize(
    ("name", "page"),
    [
        pytest.param("voila", "voila/render/{}.ipynb", id="voila"),
        pytest.param("panel", "{}", id="panel"),
    ],
)
def test_whoever_has_the_token_sees_what_is_on_the_desk(folder: Path, name: str, page: str) -> None:
    with JobTable.open(folder / TABLE) as table:
        [job] = table.jobs()
    with running(name, folder, front="http://127.0.0.1:1/dashboards/", token=TOKEN) as url, _browser() as browser:
        until(lambda: _answers(url + "again.js"), 60)
        recording = f"{url}{page.format('recording')}?mine={job.id}"
        assert browser.get(recording).status_code == 403
        assert browser.get(f"{recording}&token=wrong").status_code == 403
        first = browser.get(f"{recording}&token={TOKEN}")
        assert (first.status_code, "again.js" in first.text) == (200, True)
        assert TOKEN not in first.text
        assert browser.get(recording).status_code == 200  # by a cookie
        assert browser.get(url + page.format("operations")).status_code == 200
        assert browser.get(f"{url}{page.format('recording')}?mine=nothing").status_code == 404
    assert not _answers(url)


def _browser() -> httpx.Client:
    return httpx.Client(timeout=120, trust_env=False)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
