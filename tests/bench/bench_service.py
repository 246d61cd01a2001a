"""What a request and a stream cost the job service, in processor time: ``python tests/bench/bench_service.py``."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.service_process import ServiceProcess

JOBS, REQUESTS, STREAMS, EVENTS = 1000, 200, 50, 100
LIMITS = {"READ": "1000000/minute", "STREAM": "10000/minute", "STREAMS_PER_USER": "100"}


class Meter:
    """Processor time of a process."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._before = sum(process.cpu_times()[:2])

    def spent_ms(self) -> float:
        return 1000 * (sum(self._process.cpu_times()[:2]) - self._before)


def bench_requests(client: httpx.Client, process: psutil.Process, job: str) -> None:
    for path in ("me", "jobs", "jobs?limit=10", f"jobs/{job}", "batches", "notebooks"):
        client.get(path)
        meter, start_s = Meter(process), time.perf_counter()
        for _ in range(REQUESTS):
            client.get(path)
        wall_ms = 1000 * (time.perf_counter() - start_s) / REQUESTS
        print(
            f"GET /{path.replace(job, '{id}'):16} {meter.spent_ms() / REQUESTS:5.1f} ms CPU, {wall_ms:5.1f} ms in all"
        )


def bench_streams(service: ServiceProcess, process: psutil.Process, table: JobTable) -> None:
    heard = [0] * STREAMS
    with ExitStack() as stack:
        client = stack.enter_context(service.client(limits=httpx.Limits(max_connections=STREAMS + 5)))
        opened = [stack.enter_context(client.stream("GET", "events")) for _ in range(STREAMS)]

        def read(number: int) -> None:
            for line in opened[number].iter_lines():
                heard[number] += line.startswith("data: ")

        readers = [threading.Thread(target=read, args=(number,)) for number in range(STREAMS)]
        for reader in readers:
            reader.start()
        time.sleep(1)
        meter = Meter(process)
        time.sleep(10)
        print(f"{STREAMS} streams, nothing happens: {meter.spent_ms() / 100:.1f} % of a core")
        job = table.claim("bench", lease_s=600)
        assert job is not None
        meter = Meter(process)
        for number in range(EVENTS):
            table.report(job.id, job.attempt, number / EVENTS)
            time.sleep(0.02)
        while min(heard) <= EVENTS:
            time.sleep(0.05)
        print(f"an event to {STREAMS} streams: {meter.spent_ms() / EVENTS:.1f} ms CPU")
        print(f"memory: {process.memory_info().rss / 1e6:.0f} MB")
        service.stop()
        for reader in readers:
            reader.join()


def main() -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        limits = {f"SPEAKSEP_HUB__PROTECTION__{name}": value for name, value in LIMITS.items()}
        service = ServiceProcess(Path(folder), **limits).start()
        assert service.process is not None
        process = psutil.Process(service.process.pid)
        with JobTable.open(service.jobs) as table, service.client() as client:
            about = {"kind": "separation", "name": "talk.wav", "parameters": {"source": "0" * 16}}
            request = JobRequest(notebook="separate", owner="ann", batch="b0", about=about)
            jobs = table.submit_many([request] * JOBS)
            bench_requests(client, process, jobs[0].id)
            bench_streams(service, process, table)


if __name__ == "__main__":
    main()
