"""Pictures of the page with my jobs, taken from a real one: ``python tests/e2e/screenshots_sharing.py``."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

import soundfile as sf
from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))
from speaksep_hub.client import Client
from speaksep_kernel.testing import conversation
from tests.e2e.conftest import CHROMIUM, OPTIONS
from tests.e2e.screenshots_hub import shoot
from tests.hub.conftest import end_all_of
from tests.hub.service_process import ServiceProcess, end

WORKER = "import sys; from speaksep_kernel.cli import main; sys.exit(main())"
DASHBOARDS = "https://speech.example.org/services/dashboards"


def main() -> None:
    """Separate a conversation, share it, and look at the page and at the dialog."""
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        service = ServiceProcess(Path(place) / "service", SPEAKSEP_HUB__DASHBOARDS__URL=DASHBOARDS).start()
        worker = service.run("-c", WORKER, "jobs", "work", "--executor", "local", "--workers", "1")
        talk = conversation(8.0, speakers=2, overlap=0.2, seed=3)
        sf.write(Path(place) / "interview.wav", talk.audio, talk.rate_hz)
        try:
            with Client(service.url, service.tokens["ann"]) as ann:
                recording = ann.recordings.upload(Path(place) / "interview.wav")
                jobs = [ann.recordings.separate(recording, quality=quality) for quality in ("fast", "best")]
                for job in jobs:
                    assert ann.jobs.wait(job)["state"] == "succeeded"
                month_s = 30 * 86400
                ann.shares.recording(
                    jobs[1], title="Interview", users=["vera", "viktor"], download=True, expires_s=month_s
                )
                takes = ann.shares.compare(*jobs, title="Which take is better?", groups=["editors"], expires_s=month_s)
                ann.shares.make_link(takes, note="for the archive", expires_s=month_s)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
            page = browser.new_page(viewport={"width": 1000, "height": 970})
            page.goto(service.url)
            page.get_by_label("Token").fill(service.tokens["ann"])
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("button", name="Listen").first.click()
            expect(page.locator(".track")).to_have_count(3)
            page.get_by_role("button", name="Links: Which take").click()
            expect(page.locator("tr.result li")).to_have_count(1)
            shoot(page, "my-jobs")
            page.get_by_role("button", name="Listen").first.click()
            page.locator("tr[data-job]").first.get_by_role("button", name="Share").click()
            page.get_by_role("dialog").get_by_label("People").fill("vera, viktor")
            page.get_by_label("make a link, too").check()
            page.set_viewport_size({"width": 1000, "height": 640})
            shoot(page, "sharing-light")
            page.emulate_media(color_scheme="dark")
            page.set_viewport_size({"width": 390, "height": 700})
            shoot(page, "sharing-phone-dark")
            browser.close()
        finally:
            end(worker, signal.SIGTERM)
            end_all_of(service)
            service.stop()


if __name__ == "__main__":
    main()
