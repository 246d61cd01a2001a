"""A published notebook in a real browser, behind the hub: a viewer sees it, hears it, and changes nothing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.hub.running import RunningHub

pytestmark = pytest.mark.timeout(900)

LONG_MS = 90_000


def test_a_viewer_looks_at_the_sample(platform: RunningHub, page: Page) -> None:
    page.goto(f"{platform.url}hub/oauth_login")
    page.get_by_role("button", name=re.compile("^viewer", re.IGNORECASE)).click()
    page.wait_for_url("**/services/dashboards/")
    page.goto(f"{platform.url}services/voila/")
    link = page.get_by_role("link", name=re.compile("sample")).get_attribute("href")
    page.goto(f"{platform.url.rstrip('/')}{link}", timeout=LONG_MS)
    expect(page.get_by_role("heading", name="The sample recording, separated")).to_be_visible(timeout=LONG_MS)
    expect(page.locator(".speaker-tracks")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("sample_view")).to_have_count(0)
    names = {path.name: path.stat().st_mtime_ns for path in (platform.folder / "dashboards" / "sample").rglob("*")}

    widget = page.locator(".speaker-tracks")
    widget.focus()
    page.keyboard.press("Space")
    expect(widget.get_by_role("timer")).not_to_contain_text("0:00.0 /", timeout=LONG_MS)  # it plays
    after = {path.name: path.stat().st_mtime_ns for path in (platform.folder / "dashboards" / "sample").rglob("*")}
    assert after == names
