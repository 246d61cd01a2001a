"""What the hub and the job service cost: start-up, uploads, many readers while jobs run, many who sign in and spawn.

``python -m tests.bench.bench_hub [--users 50] [--seconds 60] [--spawns 20] [--megabytes 256]``.
Everything is real: ``speaksep hub up`` with its proxy, people who sign in at its provider, a worker that separates.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import soundfile as sf

from speaksep_hub.client import Client
from speaksep_kernel.testing import conversation
from tests.bench.readers import Readers
from tests.hub.running import RunningHub, running_hub
from tests.hub.service_process import ServiceProcess

SPAWN_S = 600.0
READ_LIMIT_MS, START_LIMIT_S, STOP_LIMIT_S = 200.0, 15.0, 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=50, help="who poll and stream while jobs run")
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long")
    parser.add_argument("--spawns", type=int, default=20, help="who sign in and start a server at once")
    parser.add_argument("--megabytes", type=int, default=256, help="size of the recording that is uploaded")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="speaksep-bench-") as directory:
        place = Path(directory)
        service_alone(place, options.megabytes)
        start_s = time.monotonic()
        with running_hub(place / "hub") as hub:
            took_s = time.monotonic() - start_s
            verdict("hub up, from nothing", took_s, START_LIMIT_S, "s")
            asyncio.run(reading(hub, place, options.users, options.seconds))
            spawning(hub, options.spawns)
            start_s = time.monotonic()
        verdict("all stopped", time.monotonic() - start_s, STOP_LIMIT_S, "s")
    return 0


def service_alone(place: Path, megabytes: int) -> None:
    """Start-up and end of the service, and uploads to it against a plain copy of the file."""
    service = ServiceProcess(place / "service")
    start_s = time.monotonic()
    service.start()
    print(f"{'service alone, ready after':34}{time.monotonic() - start_s:8.2f} s")
    source = place / "long.wav"
    rng = np.random.default_rng(0)
    with sf.SoundFile(source, "w", 48000, 2, "PCM_16") as sound:
        for _ in range(megabytes):
            sound.write(rng.integers(-3000, 3000, (1 << 18, 2), np.int16))
    copy_s = timed(lambda: copy(source, place / "copy.wav"))
    report_rate("plain copy, with fsync", copy_s, megabytes, copy_s)
    with Client(service.url, service.tokens["ann"]) as client:
        tus_s = timed(lambda: client.recordings.upload(source))
        report_rate("upload in pieces, by the client", tus_s, megabytes, copy_s)
        again_s = timed(lambda: client.recordings.upload(source))
        report_rate("the same once more", again_s, megabytes, copy_s)
    with service.client("bob", timeout=600.0) as http, source.open("rb") as body:
        whole_s = timed(lambda: http.post("recordings?name=long.wav", content=body).raise_for_status())
        report_rate("upload in one request", whole_s, megabytes, copy_s)
    print(f"{'service alone, memory':34}{pss_mb([psutil.Process(pid_of(service))]):8.0f} MB")
    print(f"{'service alone, ended after':34}{service.stop():8.2f} s")


async def reading(hub: RunningHub, place: Path, users: int, seconds: float) -> None:
    """Signed-in people poll and stream the progress of their jobs while these run."""
    with ThreadPoolExecutor(8) as pool:
        start_s = time.monotonic()
        signed_in = list(pool.map(lambda number: hub.sign_in(f"reader{number}", "researcher"), range(users)))
        took_s = time.monotonic() - start_s
    print(f"{f'{users} people sign in':34}{took_s:8.2f} s, {1000 * took_s / users:.0f} ms each")
    talks = []
    for number in range(users):
        talk = conversation(6.0, overlap=0.3, seed=number)
        talks.append(place / f"talk{number}.wav")
        sf.write(talks[-1], talk.audio, talk.rate_hz)
    readers = Readers(hub.service_url, signed_in, talks)
    await readers.begin()
    while "running" not in await readers.states():
        await asyncio.sleep(1)
    await readers.read(seconds)
    done = (await readers.states()).count("succeeded")
    await readers.end()
    events = sum(map(len, readers.events))
    print(f"{f'{users} users, {seconds:.0f} s':34}{len(readers.reads_ms):8} reads, {events} events by stream")
    print(f"{'':34}{done:8} jobs done meanwhile")
    for name, share in (("p50", 50), ("p95", 95), ("p99", 99)):
        print(f"{f'reads, {name}':34}{np.percentile(readers.reads_ms, share):8.1f} ms")
    verdict("reads, p95", float(np.percentile(readers.reads_ms, 95)), READ_LIMIT_MS, "ms")
    print(f"{'refused, or not answered':34}{readers.faults + readers.away:8}", flush=True)


def spawning(hub: RunningHub, users: int) -> None:
    """People sign in and start their servers, all at once."""
    start_s = time.monotonic()
    with ThreadPoolExecutor(users) as pool:
        taken = list(pool.map(lambda number: spawn(hub, f"worker{number}"), range(users)))
    print(f"{f'{users} sign in and spawn at once':34}{time.monotonic() - start_s:8.1f} s until the last one")
    print(f"{'one of them, median and worst':34}{statistics.median(taken):8.1f} s {max(taken):8.1f} s")
    time.sleep(10)  # what they do on their first page is over
    print(f"{'memory per idle user (PSS)':34}{pss_mb(hub.user_servers()) / users:8.0f} MB")
    print(f"{'memory of everything else (PSS)':34}{pss_mb(hub.processes()) - pss_mb(hub.user_servers()):8.0f} MB")


def spawn(hub: RunningHub, name: str) -> float:
    """Sign in and have a server; seconds until it answers."""
    start_s = time.monotonic()
    with closing(hub.sign_in(name, "researcher")) as browser:
        browser.get("hub/spawn")
        while browser.get(f"user/{name}/api").status_code != 200:
            assert time.monotonic() - start_s < SPAWN_S, hub.log()
            time.sleep(1)  # as the hub's own page looks; twenty who look all the time would slow it down
    return time.monotonic() - start_s


def copy(source: Path, target: Path) -> None:
    """A plain copy that is on the disk at the end, as an upload is."""
    shutil.copyfile(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def timed(call: Callable[[], object]) -> float:
    start_s = time.monotonic()
    call()
    return time.monotonic() - start_s


def report_rate(what: str, seconds: float, megabytes: int, copy_s: float) -> None:
    print(f"{what:34}{megabytes / seconds:8.0f} MB/s, {copy_s / seconds:.0%} of the copy's", flush=True)


def verdict(what: str, value: float, limit: float, unit: str) -> None:
    print(f"{what:34}{value:8.1f} {unit}, at most {limit:g}: {'yes' if value <= limit else 'NO'}", flush=True)


def pid_of(service: ServiceProcess) -> int:
    assert service.process is not None
    return service.process.pid


def pss_mb(processes: list[psutil.Process]) -> float:
    """Memory of some processes, what they share counted once."""
    return float(sum(process.memory_full_info().pss for process in processes)) / 1e6


if __name__ == "__main__":
    sys.exit(main())
