"""The platform in a real browser, from nothing: sign in as each persona, work, be refused, sign out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
import soundfile as sf
from playwright.sync_api import Page, expect

import speaksep_kernel as speaksep
from speaksep_kernel.testing import conversation
from tests.hub.running import RunningHub, running_hub, until

pytestmark = pytest.mark.timeout(900)

LONG_MS = 240_000
SPAWN_MS = 120_000
IDLE = '.jp-NotebookPanel-toolbar [data-status="idle"]'


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A platform of its own."""
    with running_hub(tmp_path_factory.mktemp("platform") / "hub", "--workers=1") as hub:
        yield hub


def sign_in(page: Page, hub: RunningHub, persona: str) -> None:
    """As people do: by the button of the hub, and that of the persona."""
    page.goto(hub.url)
    page.get_by_role("link", name=re.compile("Sign in|Login")).or_(
        page.get_by_role("button", name=re.compile("Sign in|Login"))
    ).first.click()
    expect(page.get_by_role("heading", name="Sign in to SpeakSep")).to_be_visible(timeout=SPAWN_MS)
    page.get_by_role("button", name=re.compile(f"^{persona}", re.IGNORECASE)).click()


def status(page: Page, hub: RunningHub, path: str) -> int:
    """What the browser is answered there, at the end of all redirections."""
    answer = page.goto(f"{hub.url}{path}")
    assert answer is not None
    return answer.status


def going_on(page: Page) -> Callable[[float], None]:
    """A pause in which the page goes on: while Python sleeps, nothing that it asks for is answered."""
    return lambda seconds: page.wait_for_timeout(1000 * seconds)


def run_all(page: Page) -> None:
    """Run the notebook that is open, from its menu."""
    expect(page.locator(IDLE).first).to_be_visible(timeout=SPAWN_MS)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def test_a_researcher_separates_the_sample_and_signs_out(hub: RunningHub, page: Page) -> None:
    sign_in(page, hub, "researcher")
    page.wait_for_url("**/user/researcher/lab/tree/workbench.ipynb*", timeout=SPAWN_MS)
    expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible(timeout=SPAWN_MS)
    expect(page.get_by_role("button", name="SpeakSep", exact=True)).to_be_visible(timeout=SPAWN_MS)
    run_all(page)
    expect(page.locator(".speaker-tracks").first).to_be_visible(timeout=LONG_MS)
    # The last cell has run when it has this number again.
    expect(page.locator(".jp-InputPrompt").last).to_have_text("[7]:", timeout=LONG_MS)
    found = speaksep.Separation.open(hub.folder / "homes" / "researcher" / "workbench-tracks")
    assert [track.label for track in found.tracks] == ["speaker_1", "speaker_2", "speaker_3"]

    page.goto(f"{hub.url}hub/logout")
    expect(page.get_by_role("button", name=re.compile("^researcher", re.IGNORECASE))).to_have_count(0)
    page.goto(f"{hub.url}user/researcher/lab")
    expect(page.locator(".jp-Notebook")).to_have_count(0)
    assert "/user/researcher/lab" not in httpx.URL(page.url).path


def test_a_researcher_has_recordings_done_by_the_service_from_lab(hub: RunningHub, page: Page) -> None:
    sign_in(page, hub, "researcher")
    page.wait_for_url("**/user/researcher/lab/tree/workbench.ipynb*", timeout=SPAWN_MS)
    made = conversation(6.0, speakers=2, overlap=0.2, seed=9)
    sf.write(hub.folder / "homes" / "researcher" / "talk.wav", made.audio, made.rate_hz)
    page.get_by_role("button", name="Refresh the file browser.").first.click()
    recording = page.locator(".jp-DirListing-item").filter(has_text="talk.wav")
    recording.dblclick(timeout=SPAWN_MS)
    expect(page.get_by_role("group", name=re.compile("^Recording talk.wav"))).to_be_visible(timeout=SPAWN_MS)
    recording.click(button="right")
    page.locator('.lm-Menu-item[data-command="speaksep:diagnose"]').click()
    job = page.locator(".speaksep-job").filter(has_text="talk.wav").first
    expect(job).to_have_attribute("data-state", "succeeded", timeout=LONG_MS)
    expect(job.get_by_title("talk.wav, by the service")).to_be_visible()
    with page.expect_popup() as opened:
        job.get_by_role("button", name="Open the result of talk.wav").click()
    expect(opened.value.get_by_role("heading", name="talk.wav")).to_be_visible(timeout=SPAWN_MS)
    assert "/services/dashboards/mine/recording/" in opened.value.url


def test_a_page_outlives_its_hub_and_the_service(hub: RunningHub, page: Page) -> None:
    sign_in(page, hub, "researcher")
    page.wait_for_url("**/user/researcher/lab/tree/workbench.ipynb*", timeout=SPAWN_MS)
    expect(page.locator(IDLE).first).to_be_visible(timeout=SPAWN_MS)
    [server] = hub.user_servers()
    hub_before, service_before = hub.kill("hub"), hub.kill("service")
    hub.again("hub", hub_before, pause=going_on(page))
    hub.again("service", service_before, pause=going_on(page))
    assert hub.user_servers() == [server]
    # The page still talks to its kernel: a new cell runs.
    home = hub.folder / "homes" / "researcher"
    page.locator(".jp-Notebook .jp-CodeCell").first.locator(".jp-InputArea-editor").click()
    for key in ("Escape", "b", "Enter"):
        page.keyboard.press(key)
    page.keyboard.type('open("alive", "w").close()')
    page.keyboard.press("Shift+Enter")
    until((home / "alive").exists, 60.0, going_on(page))
    page.keyboard.press("Control+s")
    until(lambda: "alive" in (home / "workbench.ipynb").read_text(), 60.0, going_on(page))
    page.reload()
    expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible(timeout=SPAWN_MS)


def test_a_viewer_sees_dashboards_and_nothing_else(hub: RunningHub, page: Page) -> None:
    sign_in(page, hub, "viewer")
    page.wait_for_url("**/services/dashboards/**")
    assert status(page, hub, "services/dashboards/") == 200
    for path in (
        "hub/spawn",
        "hub/spawn/viewer",
        "user/viewer/lab",
        "user/researcher/lab",
        "user/researcher/speaksep/jobs",
        "hub/admin",
        "services/speaksep/",
    ):
        assert status(page, hub, path) in (403, 404), path
    assert not (hub.folder / "homes" / "viewer").exists()


def test_batch_has_the_api_alone(hub: RunningHub, page: Page) -> None:
    sign_in(page, hub, "batch")
    page.wait_for_url("**/hub/token")
    for path in ("hub/spawn", "user/batch/lab", "hub/admin", "services/dashboards/", "services/voila/"):
        assert status(page, hub, path) in (403, 404), path
    page.goto(f"{hub.url}hub/token", wait_until="networkidle")  # its buttons work once its scripts have come
    page.get_by_role("button", name="Request new API token").click()
    expect(page.locator("#token-result")).to_have_text(re.compile(r"\w{20}"), timeout=SPAWN_MS)
    token = page.locator("#token-result").inner_text().strip()
    with httpx.Client(base_url=hub.service_url, headers={"Authorization": f"token {token}"}, trust_env=False) as api:
        assert api.get("api/v1/me").json()["name"] == "batch"
        assert api.get("api/v1/recordings").status_code == 200


def test_an_administrator_sees_everybody(hub: RunningHub, page: Page) -> None:
    sign_in(page, hub, "admin")
    page.wait_for_url("**/hub/admin")
    expect(page.get_by_text("researcher", exact=True).first).to_be_visible(timeout=SPAWN_MS)
