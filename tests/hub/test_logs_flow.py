"""One request followed by its id through the logs of all parts, and what no log may have, after a whole flow."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import soundfile as sf

from speaksep_hub.client import Client
from speaksep_kernel.logs.carried import carrying
from speaksep_kernel.testing import conversation
from tests.hub.running import RunningHub, until

NAME = "lore"
SPOKEN = "Weber tells of her illness"
"""In the name of the recording and of a file in the home: nobody's business."""
PAGE_OF_LOGS = Path(__file__).parents[2] / "docs" / "logs.md"
REQUEST = "follow-this.one-1"
PAGE = {"Accept": "text/html"}
KEYS = ["time", "level", "part", "event"]


@dataclass
class Flow:
    """What was done on a platform.

    Attributes
    ----------
    answered
        The id that each part answered with.
    secrets
        Tokens and cookies that were used, and all that the platform keeps.
    sound
        Bytes of the recording as text might hold them.
    """

    platform: RunningHub
    job: str
    answered: dict[str, str]
    secrets: set[str]
    sound: str

    def logs(self) -> dict[str, list[str]]:
        """Lines by file."""
        files = sorted((self.platform.folder / "logs").glob("*.log"))
        return {file.name: file.read_text(encoding="utf-8").splitlines() for file in files}

    def followed(self) -> list[dict[str, Any]]:
        """Lines of the request, by whatever part."""
        return [json.loads(line) for found in self.logs().values() for line in found if f'"{REQUEST}"' in line]


@pytest.fixture(scope="module")
def flow(platform: RunningHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    """Upload, diagnose, separate, download and look, by one person in all parts of a platform."""
    folder = tmp_path_factory.mktemp("flow")
    made = conversation(5.0, speakers=2, overlap=0.2, seed=19)
    talk = folder / f"{SPOKEN}.wav"
    sf.write(talk, made.audio, made.rate_hz)
    with closing(platform.sign_in(NAME, "researcher")) as browser:
        platform.server(browser, NAME)
        token = platform.token(browser, NAME)
        with closing(Client(platform.service_url, token)) as client, carrying(request_id=REQUEST):
            recording = client.recordings.upload(talk)
            client.recordings.diagnose(recording)
            job = client.jobs.wait(client.recordings.separate(recording))
            client.results.download(job, folder / "tracks")
        (platform.folder / "homes" / NAME / f"{SPOKEN}.txt").write_text("nothing")
        pages = {
            "hub": "hub/home",
            "server": f"user/{NAME}/files/{SPOKEN}.txt",
            "service": "services/speaksep/",
            "dashboards": f"services/dashboards/mine/recording/{job['id']}/",
            "voila": "services/voila/voila/tree",
            "panel": f"services/panel/recording?mine={job['id']}",
        }
        for page in pages.values():
            browser.get(page, headers=PAGE)  # the first time somebody comes they are sent round by the hub
        answers = {part: browser.get(page, headers={**PAGE, "X-Request-Id": REQUEST}) for part, page in pages.items()}
        assert {part: answer.status_code for part, answer in answers.items()} == dict.fromkeys(pages, 200)
        kept = {file.read_text() for file in (platform.folder / "secrets").iterdir()}
        cookies = {cookie.value.strip('"') for cookie in browser.cookies.jar if cookie.value and len(cookie.value) > 12}
        yield Flow(
            platform=platform,
            job=job["id"],
            answered={part: answer.headers["x-request-id"] for part, answer in answers.items()},
            secrets={token, *kept, *cookies},
            sound=base64.b64encode(talk.read_bytes()[2000:2060]).decode(),
        )
        stopped = browser.delete(
            f"hub/api/users/{NAME}/server", headers={"X-XSRFToken": str(browser.cookies.get("_xsrf", path="/hub/"))}
        )
        assert stopped.status_code in (202, 204)


def test_one_id_is_answered_by_every_part_and_is_in_the_log_of_each(flow: Flow) -> None:
    assert set(flow.answered.values()) == {REQUEST}
    parts = {*flow.answered, "worker", "kernel"}
    until(lambda: {line["part"] for line in flow.followed()} >= parts)  # a line comes after the answer
    assert {line["part"] for line in flow.followed()} == parts


def test_worker_and_kernel_say_whose_job_it_is_and_how_it_went(flow: Flow) -> None:
    told = [line for line in flow.followed() if line.get("job_id") == flow.job]
    assert {line["part"] for line in told} == {"worker", "kernel"}
    assert {line["user"] for line in told} == {NAME}
    events = [line["event"] for line in told]
    assert [events.count(each) for each in ("job begins", "kernel begins", "job succeeded")] == [1, 1, 1]
    assert events.count("cell done") > 2


def test_the_hub_knows_for_which_request_the_service_asks(flow: Flow) -> None:
    asked = [line for line in flow.followed() if line["part"] == "hub" and line.get("path") == "/hub/api/user"]
    assert {line["user"] for line in asked} == {NAME}


def test_every_line_of_every_log_has_the_one_shape(flow: Flow) -> None:
    logs = flow.logs()
    assert {
        "hub.log",
        "service.log",
        "dashboards.log",
        "voila.log",
        "panel.log",
        "worker.log",
        "proxy.log",
    } <= logs.keys()
    wrong = [line for found in logs.values() for line in found if [*json.loads(line)][:4] != KEYS]
    assert wrong == []


def test_no_log_has_a_token_a_place_of_a_person_or_what_was_said(flow: Flow) -> None:
    text = "\n".join("\n".join(found) for found in flow.logs().values())
    homes = str(flow.platform.folder / "homes")
    assert len(flow.secrets) > 8
    assert [secret for secret in flow.secrets if secret in text] == []
    assert [
        word
        for word in (homes, str(flow.platform.folder), SPOKEN, SPOKEN.replace(" ", "%20"), flow.sound)
        if word in text
    ] == []
    assert re.findall(r"[?&](?:token|code|state|_xsrf)=[^…\"]{3}", text) == []


def test_the_commands_of_the_page_show_the_way_of_the_job(flow: Flow) -> None:
    (block,) = re.findall(r"```sh\n(speaksep hub logs.*?)```", PAGE_OF_LOGS.read_text(encoding="utf-8"), re.DOTALL)
    told = {"SPEAKSEP_HUB__HUB__FOLDER": str(flow.platform.folder), "REQUEST": REQUEST, "JOB": flow.job}
    environment = {**os.environ, **told, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert f"request_id={REQUEST}" in done.stdout
    (last,) = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    assert (last["event"], last["job_id"], last["user"]) == ("job succeeded", flow.job, NAME)
