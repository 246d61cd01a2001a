"""Every command of the pages that speak of a platform is run as it stands there, on a running one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from speaksep_hub.client import Client
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.docs.desk import make_desk
from tests.docs.pages import PAGES
from tests.docs.scenes import PLATFORM
from tests.docs.shell import run_page, warm_programs
from tests.hub.receivers import mail_server
from tests.hub.running import RunningHub, until
from tests.hub.service_process import ServiceProcess

NAMED = {page.stem: page for page in PAGES}
OWNER = "dora"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with warm_programs(tmp_path_factory.mktemp("bin")) as folder:
        yield folder


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, programs: Path) -> Path:
    return make_desk(tmp_path_factory.mktemp("docs") / "desk", programs, results=False)


@pytest.fixture(scope="module")
def there(platform: RunningHub, desk: Path) -> Mapping[str, str]:
    """Whose token it is, and what she has: two jobs, whatever became of them, a batch, a recording, further tokens."""
    with closing(platform.sign_in(OWNER, "researcher")) as browser:
        token = platform.token(browser, OWNER)
    with JobTable.open(platform.folder / "jobs.sqlite3") as table:
        asked = [
            JobRequest(notebook="separate", parameters={"source": "/gone.wav"}, owner=OWNER, batch=batch)
            for batch in (None, None, "may")
        ]
        jobs = [table.cancel(table.submit(each).id).id for each in asked]
    with Client(platform.service_url.rstrip("/"), token) as client:
        recording = client.recordings.upload(desk / "ada.wav")["id"]
    return {
        "SPEAKSEP_URL": platform.service_url.rstrip("/"),
        "SPEAKSEP_TOKEN": token,
        "JOB": jobs[0],
        "OTHER": jobs[1],
        "BATCH": "may",
        "RECORDING": str(recording),
        "SPEAKSEP_HUB__HUB__FOLDER": str(platform.folder),
        "TRAIL": str(platform.folder / "audit" / "audit.jsonl"),
    }


@pytest.mark.timeout(290)
@pytest.mark.parametrize("name", sorted(PLATFORM.keys() - {"notices"}))
def test_page(name: str, programs: Path, desk: Path, there: Mapping[str, str], tmp_path: Path) -> None:
    run_page(NAMED[name], PLATFORM[name], programs, desk, tmp_path, **there)


def test_page_of_notices(
    start_service: Callable[..., ServiceProcess], programs: Path, desk: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with mail_server() as mails:
        service = start_service(
            SPEAKSEP_HUB__NOTICES__MAIL=f"mailto://127.0.0.1:{mails.port}?from=speaksep@example.org"
        )
        variables = {"SPEAKSEP_URL": service.url.rstrip("/"), "SPEAKSEP_TOKEN": service.tokens["ann"]}
        folder = tmp_path_factory.mktemp("notices")
        run_page(NAMED["notices"], PLATFORM["notices"], programs, desk, folder, **variables)
        until(lambda: len(mails.came) == 1, 60.0)
