"""What it costs to know who asks: processor time of the service per request, by each way to prove it.

Run it with ``python tests/bench/bench_identity.py [REQUESTS]``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import httpx
import psutil

from tests.hub.service_process import ServiceProcess

RATES = {f"SPEAKSEP_HUB__PROTECTION__{group}": "100000000/minute" for group in ("READ", "WRITE", "TOKEN", "GUESS")}


def measured(name: str, service: psutil.Process, client: httpx.Client, address: str, count: int) -> None:
    """Print what one request costs the service, and how long it takes, one after the other."""
    client.get(address)
    begun_s, waits_ms = _cpu_s(service), []
    for _ in range(count):
        sent_s = time.perf_counter()
        assert client.get(address).status_code == 200
        waits_ms.append(1000 * (time.perf_counter() - sent_s))
    waits_ms.sort()
    cpu_ms = 1000 * (_cpu_s(service) - begun_s) / count
    print(
        f"  {name:<24}{cpu_ms:6.2f} ms of CPU; {waits_ms[count // 2]:.1f} ms, p95 {waits_ms[int(count * 0.95)]:.1f} ms"
    )


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def main() -> None:
    """All ways."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        service = ServiceProcess(Path(folder), **RATES).start()
        assert service.process is not None
        process = psutil.Process(service.process.pid)
        print(f"  {'start':<24}{_cpu_s(process):6.2f} s of CPU; {process.memory_info().rss / 1e6:.0f} MB")
        address = f"{service.api}/me"
        with service.client("ann") as ann:
            measured("token of the file", process, ann, address, count)
            signed = ann.post("token").json()["access_token"]
        with service.client(None, headers={"Authorization": f"Bearer {signed}"}) as program:
            measured("signed token", process, program, address, count)
        with httpx.Client() as browser:
            form, headers = {"token": service.tokens["ann"]}, {"Origin": service.url.rstrip("/")}
            browser.post(f"{service.url}sign-in", data=form, headers=headers)
            measured("cookie of a browser", process, browser, address, count)
            measured("nobody (GET /health)", process, browser, f"{service.url}health", count)
        print(f"  {'end, after SIGTERM':<24}{service.stop():6.2f} s")


if __name__ == "__main__":
    main()
