"""How soon a kernel is ready, and what it takes: ``python tests/bench/bench_kernel.py [RUNS]``.

From the request to the first executed cell that imports what work needs, as a notebook's server does it: forked
through the kernelspec ``speaksep``, and the stock kernel ``python3`` with the same imports, in turn in one run. Wanted:
0.5 s at most, ten times faster, 120 MB (PSS) per further kernel before use.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from jupyter_client import BlockingKernelClient, KernelManager

from speaksep_kernel.kernel import forkserver
from speaksep_kernel.kernel.forkserver.client import ask
from speaksep_kernel.kernel.forkserver.place import places
from speaksep_kernel.kernel.install import install
from speaksep_kernel.kernel.report import stop_servers
from speaksep_kernel.kernel.status import memory_bytes

CELL = """
import speaksep_kernel, torch, librosa, sklearn.cluster
from speaksep_kernel import diagnose
assert callable(diagnose)
"""
FURTHER = 8


def started(name: str) -> tuple[KernelManager, BlockingKernelClient]:
    """A kernel that has executed the cell."""
    manager = KernelManager(kernel_name=name)
    manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = manager.blocking_client()
    client.start_channels()
    reply = client.execute(CELL, reply=True, timeout=300)  # waits in the socket until the kernel is there
    assert reply["content"]["status"] == "ok", reply
    return manager, client


def ended(manager: KernelManager, client: BlockingKernelClient) -> None:
    """Without a word: how long an end takes is not what is measured."""
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def timed(name: str) -> tuple[float, float, bool]:
    """Seconds from request to executed cell, seconds of processor the kernel itself took, whether it was forked."""
    start = time.perf_counter()
    manager, client = started(name)
    took = time.perf_counter() - start
    spent = sum(psutil.Process(manager.provisioner.pid).cpu_times()[:2])
    forked = isinstance(manager.provisioner.process, forkserver.ForkedKernel)
    ended(manager, client)
    return took, spent, forked


def report(name: str, took: list[tuple[float, float, bool]]) -> float:
    """Print a line; the median of the seconds."""
    seconds, spent, forked = zip(*took, strict=True)
    assert set(forked) == {name == "forked"}, f"{name} kernels were not all started so"
    median = statistics.median(seconds)
    print(
        f"{name:<10} median {median:.2f} s of {len(took)} (best {min(seconds):.2f}, worst {max(seconds):.2f}); "
        f"processor {statistics.median(spent):.2f} s"
    )
    return median


def memory() -> float:
    """MB (PSS) of the fork server and all of its kernels per further kernel, over eight."""
    server = next(answer for place in places() if (answer := ask(place, "status")))
    kernels = [started("speaksep")]

    def total() -> int:
        return sum(memory_bytes(pid) for pid in (server["pid"], *(manager.provisioner.pid for manager, _ in kernels)))

    first = total()
    kernels += [started("speaksep") for _ in range(FURTHER)]
    further = (total() - first) / FURTHER / 1e6
    for each in kernels:
        ended(*each)
    return further


def main(runs: int) -> None:
    """Everything, in folders of its own."""
    with tempfile.TemporaryDirectory(prefix="speaksep-") as folder, contextlib.ExitStack() as stack:
        os.environ |= {
            "JUPYTER_DATA_DIR": f"{folder}/data",
            "JUPYTER_RUNTIME_DIR": f"{folder}/jupyter",
            "IPYTHONDIR": f"{folder}/ipython",
            "SPEAKSEP_RUNTIME_DIR": f"{folder}/run",
            "SPEAKSEP_LEASES": f"{folder}/leases",
        }
        install(None)
        stack.callback(stop_servers)
        start = time.perf_counter()
        timed("speaksep")  # plainly: it brings the server
        while not any(ask(place, "status") for place in places()):
            time.sleep(0.1)
        ready, load = time.perf_counter() - start, os.getloadavg()[0]
        print(f"fork server ready after {ready:.1f} s; load {load:.1f} on {os.cpu_count()} cores")
        timed("python3")  # the disk's cache
        pairs = [(timed("speaksep"), timed("python3")) for _ in range(runs)]
        forked, stock = report("forked", [a for a, _ in pairs]), report("stock", [b for _, b in pairs])
        print(f"ready      {stock / forked:.0f} times faster; memory per further kernel {memory():.0f} MB")


if __name__ == "__main__":
    assert Path("/proc/self/smaps_rollup").exists(), "Linux only"
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
