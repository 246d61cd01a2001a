"""What is kept no longer goes, and nothing else does; by the program too."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.catalogue.retention import Pruned, prune
from speaksep_kernel.catalogue.values import StoredRecording
from speaksep_kernel.cli import main
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.recording.inspection import Sound
from speaksep_kernel.store import keys
from speaksep_kernel.store.store import Store

SOUND = Sound(seconds=2.0, rate_hz=16000, channels=1, format="WAV")


class Platform:
    """A store, a catalogue and a job table."""

    def __init__(self, folder: Path) -> None:
        self.table = str(folder / "jobs.sqlite3")
        self.store = Store.open(folder / "store")
        self.catalogue = Catalogue.open(self.table)
        self.jobs = JobTable.open(self.table)

    def add(self, owner: str, data: bytes, keep_s: float | None = None) -> StoredRecording:
        with self.store.incoming("talk.wav") as file:
            file.write(data)
            with self.catalogue.claim(file.sha256) as claim:
                self.store.keep(file)
                return self.catalogue.add(owner, "talk.wav", claim, file.bytes, SOUND, keep_s=keep_s)[0]

    def job(self, source: str, name: str) -> str:
        output = self.store.address(keys.result("ann", name))
        self.jobs.submit(JobRequest(notebook="separate", parameters={"source": source}, output=output, owner="ann"))
        claimed = self.jobs.claim("a worker", lease_s=30)
        assert claimed is not None
        self.store.write(f"{keys.result('ann', name)}/manifest.json", b"{}")
        return claimed.id

    def prune(self, results_older_s: float | None = None) -> Pruned:
        return prune(self.catalogue, self.store, self.jobs, results_older_s=results_older_s)


def blobs(store: Store) -> list[str]:
    """Keys of all recordings."""
    return [key for folder in store.children("blobs") for key in store.children(folder)]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path)
    yield platform
    platform.catalogue.close()
    platform.jobs.close()


def test_recordings_whose_time_is_over_go_with_their_bytes(platform: Platform) -> None:
    over, shared, kept = (platform.add("ann", data, keep_s) for data, keep_s in [(b"a", 0), (b"b", 0), (b"c", 60)])
    platform.add("bob", b"b")
    assert platform.prune() == Pruned(recordings=2, uploads=0, results=0, abandoned=0)
    assert [each.id for each in platform.catalogue.recordings("ann")] == [kept.id]
    there = [platform.store.exists(keys.blob(each.sha256)) for each in (over, shared, kept)]
    assert there == [False, True, True]
    assert platform.prune() == Pruned(0, 0, 0, 0)


def test_a_recording_that_a_job_reads_stays_until_it_is_done(platform: Platform) -> None:
    recording = platform.add("ann", b"a", keep_s=0)
    job = platform.job(platform.store.address(platform.store.name(recording.sha256, recording.name)), "one")
    assert platform.prune().recordings == 0
    platform.jobs.succeed(job, 1, {})
    assert platform.prune().recordings == 1
    assert platform.store.children("named") == []


def test_uploads_that_stand_still_go_with_their_pieces(platform: Platform) -> None:
    upload = platform.catalogue.uploads.begin("ann", "long.wav", 10, keep_s=60)
    with platform.store.incoming("piece") as file:
        file.write(b"RIFF")
        key = keys.part(upload.id, 0, "one")
        platform.store.put(file.path, key)
    platform.store.write(keys.part(upload.id, 4, "two"), b"its taker was killed before it could say so")
    platform.catalogue.uploads.advance(upload, 0, 4, key, keep_s=0)
    assert platform.prune().uploads == 1
    assert platform.store.files(keys.parts(upload.id)) == {}
    assert platform.catalogue.usage("ann").announced_bytes == 0


def test_results_go_with_their_jobs_and_only_then(platform: Platform) -> None:
    done, running = platform.job("x", "done"), platform.job("x", "running")
    platform.jobs.succeed(done, 1, {})
    assert platform.prune(3600).results == 0
    assert platform.prune(0).results == 1
    assert [job.id for job in platform.jobs.jobs()] == [running]
    assert list(platform.store.files(keys.owned("ann"))) == ["running/manifest.json"]


def test_files_that_nobody_brought_to_their_end_go_after_a_day(platform: Platform) -> None:
    file = platform.store.incoming("talk.wav")
    assert platform.prune().abandoned == 0
    os.utime(file.path, (time.time() - 90_000,) * 2)
    assert platform.prune().abandoned == 1
    file.close()


def test_bytes_that_nobody_came_to_speak_of_go_after_a_day(tmp_path: Path) -> None:
    now = [1000.0]
    platform = Platform(tmp_path)
    platform.catalogue = Catalogue.open(platform.table, clock=lambda: now[0])
    for data in (b"left", b"used"):
        with platform.store.incoming("talk.wav") as file:
            file.write(data)
            platform.catalogue.claim(file.sha256).__enter__()  # and then it was killed
            key = platform.store.keep(file)
    platform.add("ann", b"used")
    platform.prune()
    assert len(blobs(platform.store)) == 2
    now[0] += 90_000
    platform.prune()
    assert blobs(platform.store) == [key]
    assert platform.catalogue.abandoned() == []


def test_bytes_are_there_for_whoever_has_them_however_others_come_and_go(empty_place: str, tmp_path: Path) -> None:
    store, rounds = Store.open(tmp_path / "store"), int(os.environ.get("SPEAKSEP_ROUNDS", "12"))
    missing: list[str] = []

    def come_and_go(owner: str) -> None:
        with Catalogue.open(empty_place) as catalogue:
            for _ in range(rounds):
                with store.incoming("talk.wav") as file:
                    file.write(b"the same")
                    with catalogue.claim(file.sha256) as claim:
                        key = store.keep(file)
                        time.sleep(0.01)  # somebody else removes the last recording of the same bytes
                        recording, _ = catalogue.add(owner, f"{owner}.wav", claim, file.bytes, SOUND)
                if store.local(store.name(recording.sha256, recording.name)).read_bytes() != b"the same":
                    missing.append(owner)
                if not store.exists(key):
                    missing.append(owner)
                catalogue.remove(owner, recording.id, store.remove)

    Catalogue.open(empty_place).close()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(come_and_go, ["ann", "bob", "cleo", "dan"]))
    assert missing == []
    assert blobs(store) == []


def test_the_program_shows_and_removes(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    platform.add("ann", b"a" * 1000, keep_s=0)
    platform.add("bob", b"b" * 10)
    platform.store.write(f"{keys.result('ann', 'x')}/track.flac", b"12345")
    where = ["--store", platform.store.url, "--jobs", platform.table]
    assert main(["store", "usage", *where, "--json"]) == 0
    ann, bob = json.loads(capsys.readouterr().out)["owners"]
    assert ann == {"owner": "ann", "recordings": 1, "bytes": 1000, "announced_bytes": 0, "result_bytes": 5}
    assert bob["bytes"] == 10
    assert main(["store", "prune", *where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "ok": True, "recordings": 1, "uploads": 0, "results": 0, "abandoned": 0,
    }  # fmt: skip
    assert main(["store", "usage", *where]) == 0
    assert "ann:" not in capsys.readouterr().out
    assert main(["store", "prune", *where]) == 0
    assert capsys.readouterr().out == "0 recordings, 0 uploads, 0 results, 0 abandoned removed\n"


def test_a_bad_store_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "usage", "--store", "s3://k:s@host/x"]) == 2
    assert "password" in capsys.readouterr().err
