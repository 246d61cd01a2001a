"""The slot of a GPU as seen by the kernel that has it: given back after doing nothing for long, taken again on return.

Only the kernel can tell whether a slot may be given back: memory on the GPU belongs to its process until it ends. So a
slot is given back as long as nothing of size is in that memory; else the kernel keeps it, and its record says so.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

from speaksep_kernel.kernel.holders import Holder
from speaksep_kernel.kernel.leases import Lease, Slot, acquire
from speaksep_kernel.kernel.settings import LeaseSettings

LITTLE_BYTES = 128 << 20
"""What may stay on a GPU that is given back: networks of ours and work space of the libraries."""
BUSY_SHARE = 0.05
"""Of one core; a kernel that uses more, with all it started, does something even while no cell runs."""
_SHORTEST_S, _LONGEST_S = 0.1, 30.0  # between two looks
_OTHERS = (
    "libonnxruntime_providers_cuda",
    "/cupy/",
    "libtensorflow",
    "xla_cuda",
)  # keep memory torch knows nothing of


@dataclass(frozen=True)
class Standing:
    """What this kernel computes on.

    Parameters
    ----------
    device
        "cuda" or "cpu".
    reason
        The GPU and slot, or why there is none and who is ahead.
    slot
        The lock file of its slot; empty without one.
    idle_s
        For how long it has done nothing.
    idle_release_s
        After how long its slot is given back; 0 is never.
    kept
        Why an idle kernel keeps its slot; empty if it does not.
    """

    device: str
    reason: str
    slot: str
    idle_s: float
    idle_release_s: float
    kept: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Holding:
    """The slot this process has or had.

    Parameters
    ----------
    lease
        The slot; None on the CPU.
    settings
        As when the kernel was started.
    tell
        Gets a sentence when the device has changed.
    """

    def __init__(self, lease: Lease | None, settings: LeaseSettings, tell: Callable[[str], None]) -> None:
        self._lease = lease
        self._slot = lease.slot if lease else None
        self._settings = settings
        self._tell = tell
        self._changing = threading.RLock()
        self._running = 0
        self._active_at = time.monotonic()
        self._kept = ""
        if lease:
            os.register_at_fork(after_in_child=self._forked)
            if settings.idle_release_s:
                threading.Thread(target=self._watch, name="speaksep-lease", daemon=True).start()

    @property
    def standing(self) -> Standing:
        """What this kernel computes on now."""
        return Standing(
            device=os.environ.get("SPEAKSEP_DEVICE_GIVEN", "cpu"),
            reason=os.environ.get("SPEAKSEP_DEVICE_REASON", "this kernel was started without a lease"),
            slot=str(self._lease.slot.path) if self._lease else "",
            idle_s=0.0 if self._running else time.monotonic() - self._active_at,
            idle_release_s=self._settings.idle_release_s,
            kept=self._kept,
        )

    def begin(self) -> None:
        """Something is to be done: with the slot, if it can be had again."""
        with self._changing:
            self._running += 1
            self._kept = self._note("")
            if self._slot and not self._lease:
                self._take_again(self._slot)

    def end(self) -> None:
        """It is done."""
        with self._changing:
            self._running = max(0, self._running - 1)
            self._active_at = time.monotonic()

    def give_back(self, why: str) -> bool:
        """Free the slot for others, unless the GPU's memory is in use.

        Parameters
        ----------
        why
            For the people whose kernel it is.

        Returns
        -------
        Whether this kernel has no slot now.
        """
        with self._changing:
            if self._lease is None:
                return True
            untouched = "libcuda.so" not in _libraries()
            self._kept = self._note("" if untouched else _memory_in_use())
            if self._kept:
                return False
            if untouched:  # later this would have no effect
                os.environ["CUDA_VISIBLE_DEVICES"] = ""
            self._set("cpu", f"CPU: {self._lease.slot.describe()} was given back after {why}; the next cell asks again")
            self._lease.close()
            self._lease = None
            return True

    def _take_again(self, slot: Slot) -> None:
        """The same GPU or none: a process cannot change the one that its libraries have seen."""
        holder = Holder.now(os.environ.get("SPEAKSEP_KERNEL_ID", ""), self._settings)
        outcome = acquire(holder, replace(self._settings, device="auto"), first=slot, only=slot.device.uuid)
        before = os.environ.get("SPEAKSEP_DEVICE_REASON", "")
        if isinstance(outcome, Lease):
            outcome.keep()
            self._lease = outcome
            os.environ.update(outcome.environment)
            self._tell(f"{outcome.slot.describe()} is used again; it had been given back while nothing was done.")
        else:
            reason = f"CPU: {slot.describe()} was given back while nothing was done, and now {outcome.reason}"
            self._set("cpu", reason)
            if reason != before:
                self._tell(f"{reason}. Every cell asks again.")

    def _set(self, device: str, reason: str) -> None:
        os.environ.update(SPEAKSEP_DEVICE_GIVEN=device, SPEAKSEP_DEVICE_REASON=reason)

    def _note(self, note: str) -> str:
        """Tell those who wait why the slot is kept."""
        if self._lease and note != self._kept:
            replace(self._lease.holder, pid=os.getpid(), note=note).write(self._lease.descriptor)
        return note

    def _forked(self) -> None:
        """A child without a kernel of its own must not hold the slot when the kernel is gone."""
        if self._lease:
            self._lease.close()
            self._lease = None

    def _watch(self) -> None:
        limit_s = self._settings.idle_release_s
        pause_s = min(max(limit_s / 10, _SHORTEST_S), _LONGEST_S)
        used_s = _processor_seconds()
        while True:
            time.sleep(pause_s)
            if not self._lease:
                continue
            before_s, used_s = used_s, _processor_seconds()
            with self._changing:
                now = time.monotonic()
                if self._running or abs(used_s - before_s) > BUSY_SHARE * pause_s:
                    self._active_at = now
                elif self._lease and now - self._active_at >= limit_s:
                    self.give_back(f"{limit_s:g} s of doing nothing")


_here: Holding | None = None


def attend(shell: Any) -> Holding:
    """Look after the slot this kernel was started with.

    Parameters
    ----------
    shell
        The kernel's ``InteractiveShell``: cells, and messages of widgets, are what it does.
    """
    global _here
    settings = LeaseSettings.of()
    _here = Holding(_inherited(os.environ), settings, lambda text: print(f"SpeakSep: {text}", file=sys.stderr))
    shell.events.register("pre_execute", _here.begin)
    shell.events.register("post_execute", _here.end)
    handlers = getattr(getattr(shell, "kernel", None), "shell_handlers", {})
    for kind in ("comm_open", "comm_msg"):
        if kind in handlers:
            handlers[kind] = _noticed(handlers[kind], _here)
    return _here


def standing() -> Standing:
    """What this process computes on; also outside a kernel."""
    return (_here or Holding(None, LeaseSettings.of(), print)).standing


def _noticed(handler: Callable[..., Any], holding: Holding) -> Callable[..., Any]:
    @wraps(handler)
    async def handle(*args: Any, **kwargs: Any) -> Any:
        holding.begin()
        try:
            outcome = handler(*args, **kwargs)
            return await outcome if hasattr(outcome, "__await__") else outcome
        finally:
            holding.end()

    return handle


def _inherited(environ: Mapping[str, str]) -> Lease | None:
    """The slot whose open file this process was started with."""
    with suppress(KeyError, ValueError, TypeError, OSError):  # none, or no longer there
        slot, number = Slot.unpacked(environ["SPEAKSEP_LEASE"]), int(environ["SPEAKSEP_LEASE_FD"])
        if os.path.samestat(os.fstat(number), slot.path.stat()):
            os.set_inheritable(number, False)
            return Lease(slot, Holder.read(number), number)
    return None


def _libraries() -> str:
    return Path("/proc/self/maps").read_text(errors="replace")


def _memory_in_use() -> str:
    """What this process keeps on the GPU; empty if it is little."""
    libraries = _libraries()
    other = next((name for name in _OTHERS if name in libraries), "")
    if other:
        return f"idle, but {other} may keep memory on the GPU"
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return ""
    used = int(cuda.memory_allocated())
    if used > LITTLE_BYTES:
        return f"idle, but {used / 2**30:.1f} GiB of its tensors are on the GPU"
    cuda.empty_cache()
    return ""


def _processor_seconds() -> float:
    """Of this process without the thread that asks, and of all it started."""
    import psutil

    children = sum(_seconds(process) for process in psutil.Process().children(recursive=True))
    return time.process_time() - time.thread_time() + children


def _seconds(process: Any) -> float:
    import psutil

    try:
        times = process.cpu_times()
    except psutil.Error:  # ended meanwhile
        return 0.0
    return float(times.user + times.system)
