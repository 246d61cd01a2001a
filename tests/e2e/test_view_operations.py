"""Operations in a browser: figures that follow the platform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from speaksep_dashboards.desk import Desk
from speaksep_dashboards.operations.page import OperationsPage
from speaksep_dashboards.page import Reader
from speaksep_kernel.catalogue.share import Share
from tests.dashboards.batches_made import ask, begin, fail, succeed, table_desk
from tests.dashboards.page_server import serving
from tests.e2e.seen import faults_seen

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with table_desk(tmp_path) as desk:
        ask(desk, 6)
        succeed(desk, device="GPU 0 (NVIDIA L4), slot 1 of 2")
        succeed(desk)
        fail(desk, "no file", "file-not-found")
        yield desk


def test_it_follows_the_platform(desk: Desk, page: Page) -> None:
    reader = Reader("root", admin=True)
    with serving(operations=OperationsPage(Share(owner="root", kind="operations"), reader, desk)) as server:
        page.goto(f"{server.url}/operations/")
        expect(page.get_by_role("table", name="Failed jobs by reason")).to_contain_text("file-not-found")
        expect(page.get_by_role("table", name=re.compile("Seconds per second of sound"))).to_contain_text("GPU")
        expect(page.get_by_role("img", name=re.compile(r"Jobs by the hour: .*2 done, 1 failed"))).to_be_visible()
        expect(page.get_by_text("Nothing runs.")).to_be_visible()
        job = begin(desk)
        expect(page.get_by_role("progressbar", name=f"Progress of job {job.id}")).to_be_visible()
        assert faults_seen(page) == []
        page.goto("about:blank")
