"""Real faults of a running platform, and their ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from io import BytesIO
from subprocess import Popen

import numpy as np
import soundfile as sf

from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import State
from tests.hub.running import until
from tests.hub.watched import DISK_BYTES, Watched, certify


@dataclass(frozen=True)
class Fault:
    """One of them.

    Attributes
    ----------
    alert
        That it raises.
    begin, end
        What makes it and what repairs it.
    """

    alert: str
    begin: Callable[[Watched], object]
    end: Callable[[Watched], object]


def kill_two_workers(watched: Watched) -> None:
    """The process that has a job is killed, and so is the next one; the third does it."""
    recording = watched.rita.get("recordings").json()["items"][0]["id"]
    job = watched.separate(recording, 1)
    with JobTable.open(watched.hub.folder / "jobs.sqlite3") as table:
        for losses in (0, 1):
            until(lambda losses=losses: is_running(table.get(job), losses), 120)  # type: ignore[misc]
            os.kill(int(str(table.get(job).worker).rsplit(":", 2)[1]), signal.SIGKILL)
    watched.succeeds(job)


def is_running(job: Job, losses: int) -> bool:
    """Whether somebody works on it who is not the one that was lost."""
    return job.state is State.RUNNING and job.losses == losses and bool(job.worker)


def fill_the_quota(watched: Watched) -> None:
    """Recordings are sent until one is refused."""
    for seed in range(20):
        sent = watched.rita.post("recordings", files={"file": (f"noise{seed}.wav", noise(seed))})
        if sent.status_code != 201:
            break
    assert (sent.status_code, sent.json()["reason"]) == (413, "quota-bytes")


def empty_the_quota(watched: Watched) -> None:
    """They are removed, and there is room again."""
    for each in watched.rita.get("recordings").json()["items"]:
        if each["name"].startswith("noise"):
            assert watched.rita.delete(f"recordings/{each['id']}").status_code == 204
    assert watched.rita.post("recordings", files={"file": ("noise.wav", noise(99))}).status_code == 201


def noise(seed: int) -> bytes:
    """Five million bytes that are no other noise's."""
    file = BytesIO()
    sound = np.random.default_rng(seed).integers(-3000, 3000, 2_500_000).astype(np.int16)
    sf.write(file, sound, 48_000, format="WAV")
    return file.getvalue()


def fill_the_disk(watched: Watched) -> None:
    """Somebody else's file takes all of it."""
    assert watched.disk is not None
    with (watched.disk / "large").open("wb") as file, suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, int(DISK_BYTES * 0.9))
    with (watched.disk / "rest").open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 20))


def empty_the_disk(watched: Watched) -> None:
    """It is removed."""
    assert watched.disk is not None
    for name in ("large", "rest"):
        (watched.disk / name).unlink()


def break_the_leases(watched: Watched) -> None:
    """Where their folder was, there is a file."""
    watched.leases.rename(watched.leases.with_name("leases-before"))
    watched.leases.write_text("this is no folder\n")


def mend_the_leases(watched: Watched) -> None:
    """The folder is back."""
    watched.leases.unlink()
    watched.leases.with_name("leases-before").rename(watched.leases)


FULL_DISK = Fault("SpeakSepDiskFull", fill_the_disk, empty_the_disk)
FAULTS = (
    Fault("SpeakSepWorkersVanish", kill_two_workers, lambda watched: None),
    Fault("SpeakSepQuotaFull", fill_the_quota, empty_the_quota),
    Fault("SpeakSepRedisAway", lambda watched: watched.redis.stop(), lambda watched: watched.redis.start()),
    Fault(
        "SpeakSepCertificateOver",
        lambda watched: certify(watched.certificates, -1),
        lambda watched: certify(watched.certificates, 60),
    ),
    Fault("SpeakSepGpuLeasesBroken", break_the_leases, mend_the_leases),
    FULL_DISK,
)


@dataclass
class Told:
    """When somebody was told of faults and of their ends, in seconds after both; what was done meanwhile."""

    firing_s: dict[str, float] = field(default_factory=dict)
    resolved_s: dict[str, float] = field(default_factory=dict)
    meanwhile: Popen[str] | None = None


def have(watched: Watched, faults: tuple[Fault, ...], longest_s: float, then: Callable[[], Popen[str]]) -> Told:
    """Have all of them at once, wait until all were told, repair them, wait until that was told.

    Parameters
    ----------
    watched
        The platform.
    faults
        The slowest to make first.
    longest_s
        How long both may take; they are over even if not.
    then
        Starts what is done when they are over, while their ends are waited for.
    """
    begun: dict[str, float] = {}
    told = Told()

    def repair(fault: Fault) -> None:
        fault.end(watched)
        begun[fault.alert] = time.monotonic()

    with ExitStack() as stack:  # the last one first, and all of them, whatever happens
        for fault in faults:
            stack.callback(repair, fault)
            fault.begin(watched)
            begun[fault.alert] = time.monotonic()
        until(lambda: _hear(watched, "firing", begun, told.firing_s), longest_s)
    told.meanwhile = then()
    until(lambda: _hear(watched, "resolved", begun, told.resolved_s), longest_s)
    return told


def possible(watched: Watched) -> tuple[Fault, ...]:
    """All of them that can be had here."""
    return tuple(fault for fault in FAULTS if watched.disk or fault is not FULL_DISK)


def _hear(watched: Watched, status: str, begun: dict[str, float], heard_s: dict[str, float]) -> bool:
    for alert, since in begun.items():
        if alert not in heard_s and watched.heard(alert, status):
            heard_s[alert] = time.monotonic() - since
    return len(heard_s) == len(begun)
