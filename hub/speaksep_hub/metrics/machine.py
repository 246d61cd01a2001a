"""How the machine of a worker stands at this moment: its GPUs, its fork servers, its processors and memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psutil

from speaksep_hub.metrics.registry import Sample
from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.kernel.devices import devices
from speaksep_kernel.kernel.forkserver.client import ask
from speaksep_kernel.kernel.forkserver.place import places
from speaksep_kernel.kernel.leases import usable
from speaksep_kernel.kernel.occupancy import DeviceUse, occupancy
from speaksep_kernel.kernel.settings import LeaseSettings

_LOG = logging.getLogger("speaksep.metrics")


def look_at_machine() -> Iterator[Sample]:
    """Look at all of it; what cannot be seen is left out."""
    looks: tuple[Callable[[], Iterator[Sample]], ...] = (_gpus, _kernels, _host)
    for look in looks:
        try:
            yield from look()
        except (SpeakSepError, OSError, psutil.Error) as error:
            _LOG.warning("not in the metrics: %s", error)


def _gpus() -> Iterator[Sample]:
    settings = LeaseSettings.of()
    known = devices(settings)
    if known.found:
        yield Sample("speaksep_gpu_leases_usable", usable(settings, known))
    there = occupancy(settings)
    for use in there.devices:
        yield from _gpu(use)
    yield Sample("speaksep_gpu_waiting", len(there.waiting))
    now = datetime.now(UTC)
    waits_s = max((_age_s(holder.since, now) for holder in there.waiting), default=0.0)
    yield Sample("speaksep_gpu_longest_wait_seconds", waits_s)


def _gpu(use: DeviceUse) -> Iterator[Sample]:
    device, labels = use.device, (use.device.index,)
    yield Sample("speaksep_gpu_slots", len(use.holders), labels)
    yield Sample("speaksep_gpu_slots_held", sum(holder is not None for holder in use.holders), labels)
    yield Sample("speaksep_gpu_refusing", bool(device.refusal), labels)
    if device.total_bytes is not None and device.free_bytes is not None:
        yield Sample("speaksep_gpu_memory_bytes", device.total_bytes, labels)
        yield Sample("speaksep_gpu_memory_free_bytes", device.free_bytes, labels)


def _age_s(since: str, now: datetime) -> float:
    try:
        return max(0.0, (now - datetime.fromisoformat(since)).total_seconds())
    except (ValueError, TypeError):  # what every user may write is not always a time
        return 0.0


def _kernels() -> Iterator[Sample]:
    answers = [answer for place in places() if (answer := ask(place, "status"))]
    yield Sample("speaksep_fork_servers", len(answers))
    yield Sample("speaksep_kernels_forked_total", sum(int(answer["forked"]) for answer in answers))


def _host() -> Iterator[Sample]:
    times = psutil.cpu_times()
    for mode in ("user", "system", "iowait", "idle"):
        if hasattr(times, mode):
            yield Sample("speaksep_host_cpu_seconds_total", getattr(times, mode), (mode,))
    memory = psutil.virtual_memory()
    yield Sample("speaksep_host_memory_bytes", memory.total)
    yield Sample("speaksep_host_memory_available_bytes", memory.available)
