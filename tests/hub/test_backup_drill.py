"""The drill: a platform in use is backed up while it works, destroyed, and made again from its backup."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from speaksep_hub.client import Client
from tests.hub.running import RunningHub, running_hub

pytestmark = pytest.mark.timeout(600)
ALONE = {"SPEAKSEP_HUB__DASHBOARDS__INTERACTIVE": "[]"}
"""Nothing is explored: Voila and Panel keep nothing that could be lost."""


def speaksep(hub: RunningHub, *words: str) -> dict[str, Any]:
    """What the command says of the platform in that folder."""
    command = [sys.executable, "-m", "speaksep_kernel.cli", "backup", *words, "--folder", str(hub.folder), "--json"]
    done = subprocess.run(command, env=hub.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def found_by(hub: RunningHub, token: str, folder: Path) -> dict[str, Any]:
    """What somebody finds on the platform: names, states, and every byte of their results."""
    with Client(f"{hub.url}services/speaksep", token) as client:
        done = [job for job in client.jobs.all(state="succeeded") if job["kind"] == "separation"]
        for job in done:
            client.results.download(job, folder / job["id"])
        return {
            "me": client.me()["name"],
            "recordings": [(each["id"], each["name"], each["sha256"]) for each in client.recordings.all()],
            "done": [job["id"] for job in done],
            "voices": client.voices.all(),
            "shares": [share["id"] for share in client.shares.all()],
            "bytes": {
                path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
            },
        }


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory, talk: Path) -> Iterator[dict[str, Any]]:
    """What was before, and the platform that was made again."""
    place = tmp_path_factory.mktemp("drill")
    key = place / "key"
    key.write_text("the key of the drill\n")
    at = ("--at", str(place / "backups"), "--key-file", str(key))
    with running_hub(place / "hub", "--workers=1", **ALONE) as hub:
        with closing(hub.sign_in("rosa", "researcher")) as browser:
            rosa = hub.token(browser, "rosa")
        with closing(hub.sign_in("otto", "researcher")) as browser:
            otto = hub.token(browser, "otto")
        with Client(f"{hub.url}services/speaksep", rosa) as client:
            recording = client.recordings.upload(talk)
            job = client.jobs.wait(client.recordings.separate(recording, speakers=2))
            client.jobs.wait(client.voices.enrol_track("Ada", job, "speaker_1", consent=True))
            client.shares.recording(job, users=["otto"])
            waiting = [
                client.recordings.separate(recording, speakers=number, key=f"later-{number}") for number in (1, 3)
            ]
        before = {
            name: found_by(hub, token, place / f"before-{name}") for name, token in (("rosa", rosa), ("otto", otto))
        }
        made = speaksep(hub, "create", *at)["backup"]
    shutil.rmtree(place / "hub")
    restored = speaksep(hub, "restore", *at)
    with running_hub(place / "hub", "--workers=1", **ALONE) as again:
        yield {
            "before": before, "made": made, "restored": restored, "hub": again, "place": place,
            "tokens": {"rosa": rosa, "otto": otto}, "waiting": waiting,
        }  # fmt: skip


@pytest.mark.parametrize("name", ["rosa", "otto"])
def test_the_same_people_find_the_same_results_with_the_same_tokens(drill: dict[str, Any], name: str) -> None:
    after = found_by(drill["hub"], drill["tokens"][name], drill["place"] / f"after-{name}")
    before = drill["before"][name]
    assert {what for what in before if before[what] != after[what]} <= {
        "done",
        "bytes",
    }  # what waited was done meanwhile
    assert set(before["done"]) <= set(after["done"])
    assert before["bytes"].items() <= after["bytes"].items()


def test_something_was_there_to_be_lost(drill: dict[str, Any]) -> None:
    rosa = drill["before"]["rosa"]
    assert len(rosa["recordings"]) == len(rosa["voices"]) == len(rosa["shares"]) == 1
    assert len(rosa["bytes"]) > 3
    assert drill["made"]["rows"]["hub"]["users"] == 2


def test_jobs_that_waited_or_ran_are_done(drill: dict[str, Any]) -> None:
    with Client(f"{drill['hub'].url}services/speaksep", drill["tokens"]["rosa"]) as client:
        assert [client.jobs.wait(job)["state"] for job in drill["waiting"]] == ["succeeded"] * 2


def test_nobodys_server_is_taken_for_running_and_people_sign_in_as_ever(drill: dict[str, Any]) -> None:
    with closing(drill["hub"].sign_in("rosa", "researcher")) as browser:
        assert drill["hub"].server(browser, "rosa").status_code == 200


def test_the_trail_goes_on_and_says_that_it_was_restored(drill: dict[str, Any]) -> None:
    folder = str(drill["hub"].folder / "audit")
    command = [sys.executable, "-m", "speaksep_kernel.cli", "audit"]
    subprocess.run([*command, "verify", "--folder", folder], check=True, capture_output=True)
    said = subprocess.run(
        [*command, "tail", "-n", "1000", "--folder", folder], check=True, capture_output=True, text=True
    ).stdout
    assert "upload" in said
    assert f"backup={drill['restored']['id']}" in said


def test_others_find_nothing_of_theirs(drill: dict[str, Any]) -> None:
    job = drill["before"]["rosa"]["done"][0]
    headers = {"Authorization": f"Bearer {drill['tokens']['otto']}"}
    answer = httpx.get(f"{drill['hub'].url}services/speaksep/api/v1/results/{job}", headers=headers, trust_env=False)
    assert answer.status_code == 404
