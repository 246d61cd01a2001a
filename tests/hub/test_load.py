"""Many people at once on a whole platform, parts of which are killed; with more: LOAD_USERS=50."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import soundfile as sf

from speaksep_hub.client import Client
from speaksep_kernel.testing import conversation
from tests.bench.readers import Readers
from tests.hub.running import RunningHub, running_hub

USERS = int(os.environ.get("LOAD_USERS", "4"))
PATIENCE_S = 60.0 + 10.0 * USERS


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    with running_hub(
        tmp_path_factory.mktemp("platform") / "hub", "--workers=1", SPEAKSEP_HUB__DASHBOARDS__INTERACTIVE="[]"
    ) as hub:
        yield hub


@pytest.mark.slow
def test_nothing_is_lost_when_the_service_and_the_hub_are_killed(hub: RunningHub, tmp_path: Path) -> None:
    talks = [tmp_path / f"talk{number}.wav" for number in range(USERS)]
    for number, talk in enumerate(talks):
        sf.write(talk, conversation(4.0, overlap=0.2, seed=200 + number).audio, 16000)
    browsers = [hub.sign_in(f"reader{number}", "researcher") for number in range(USERS)]

    async def scene() -> tuple[Readers, list[str]]:
        readers = Readers(hub.service_url, browsers, talks)
        await readers.begin()
        looking = asyncio.create_task(readers.read(PATIENCE_S))
        await asyncio.sleep(1)
        for part in ("service", "hub"):
            await asyncio.to_thread(lambda name: hub.again(name, hub.kill(name)), part)
            await asyncio.sleep(1)
        async with asyncio.timeout(PATIENCE_S):
            while any(states[-1:] != ["succeeded"] for states in readers.events):
                await asyncio.sleep(0.5)
        readers.stop()
        await looking
        states = await readers.states()
        await readers.end()
        return readers, states

    readers, states = asyncio.run(scene())
    for browser in browsers:
        browser.close()
    assert states == ["succeeded"] * USERS
    assert [events.count("succeeded") for events in readers.events] == [1] * USERS
    assert all(events[0] == "queued" for events in readers.events)
    assert readers.faults == 0
    assert readers.away > 0  # somebody noticed


@pytest.mark.slow
def test_a_program_with_a_token_of_the_hub(hub: RunningHub, talk: Path, tmp_path: Path) -> None:
    with closing(hub.sign_in("robot", "batch")) as browser:
        token = hub.token(browser, "robot")
    with Client(hub.service_url, token) as client:
        job = client.recordings.separate(client.recordings.upload(talk), speakers=2)
        client.results.download(job, tmp_path / "tracks")
    tracks = sorted(path.name for path in (tmp_path / "tracks").glob("*.flac"))
    assert tracks == ["residual.flac", "speaker_1.flac", "speaker_2.flac"]
