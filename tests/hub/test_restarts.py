"""The service is killed while jobs run: they go on, each is done once, and whoever follows them goes on, too."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import soundfile as sf

from speaksep_hub.client import Client
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import State
from speaksep_kernel.testing import conversation
from tests.hub.service_process import ServiceProcess


@pytest.mark.slow
def test_jobs_go_on_while_the_service_is_away(working_service: ServiceProcess, tmp_path: Path) -> None:
    for seed in range(3):
        sf.write(tmp_path / f"talk{seed}.wav", conversation(5.0, overlap=0.2, seed=100 + seed).audio, 16000)
    with Client(working_service.url, working_service.tokens["bob"]) as client:
        recordings = client.recordings.upload_many(sorted(tmp_path.glob("*.wav")))
        batch = client.batches.create("separate", [{"source": recording["id"]} for recording in recordings])
        first = next(client.jobs.all(batch=batch["id"]))
        stream = client.jobs.events(first)
        assert next(stream)["state"] == "queued"
        working_service.kill()
        with JobTable.open(working_service.jobs) as table:
            wait_for_progress(table, batch["id"])
        working_service.start()
        states = [event["state"] for event in stream]  # over a connection that is made anew
        done = client.batches.wait(batch)
    assert states[-1] == "succeeded"
    assert done["counts"]["succeeded"] == 3
    with JobTable.open(working_service.jobs) as table:
        assert [job.attempt for job in table.jobs(batch=batch["id"])] == [1, 1, 1]


def wait_for_progress(table: JobTable, batch: str) -> None:
    """Until a job of a batch has succeeded with nobody serving."""
    end_s = time.monotonic() + 120
    while table.counts(batch=batch)[State.SUCCEEDED] == 0:
        assert time.monotonic() < end_s, table.counts(batch=batch)
        time.sleep(0.1)
