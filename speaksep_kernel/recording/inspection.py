"""Looking into a file that a stranger sent: in a process of its own, which may crash, hang or eat memory alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from speaksep_kernel.errors import CapacityError, InputError, SpeakSepError, StoreError
from speaksep_kernel.recording.limits import Limits


@dataclass(frozen=True, kw_only=True)
class Sound:
    """What a recording is, by its header.

    Attributes
    ----------
    seconds, rate_hz, channels
        Length, sample rate, number of channels.
    format
        libsndfile's or ffmpeg's word for it, in capitals.
    """

    seconds: float
    rate_hz: int
    channels: int
    format: str


@dataclass(frozen=True)
class Bounds:
    """What a look into a file may cost, and what the file may become.

    Attributes
    ----------
    cpu_s
        Processor time: mp3 and m4a are decoded once to be counted, at some thousand times their speed.
    memory_bytes
        Address space of the process, libraries included.
    decoded_bytes
        Most bytes of decoded samples (float32): a small file may promise hours on many channels.
    """

    cpu_s: int = 60
    memory_bytes: int = 3 << 30
    decoded_bytes: int = 32 << 30


def inspect_file(path: Path, name: str, limits: Limits | None = None, bounds: Bounds | None = None) -> Sound:
    """Read the header of a file, decoding as far as its format demands.

    Parameters
    ----------
    path
        The file.
    name
        What to call it in messages.
    limits
        Bounds on bytes, seconds, channels and rate.
    bounds
        Bounds on the look itself.

    Raises
    ------
    InputError
        It is not audio, cut off, or brings down whatever reads it (reason ``damaged-audio``).
    CapacityError
        It is beyond a limit, or takes too long to read (reason ``too-costly``).
    StoreError
        No process can be started.
    """
    limits, bounds = limits or Limits(), bounds or Bounds()
    order = json.dumps({"path": str(path), "name": name, "limits": asdict(limits), "bounds": asdict(bounds)})
    command = [sys.executable, "-I", "-B", "-m", "speaksep_kernel.recording.inspector"]
    # Threads would need address space each, and nothing here has use for them.
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, input=order, capture_output=True, text=True, timeout=4 * bounds.cpu_s, env=os.environ | single
        )
    except subprocess.TimeoutExpired:
        raise _too_costly(name, bounds) from None
    except OSError as error:
        raise StoreError(
            f"{name}: no process to look into it ({error.strerror})", reason="busy", hint="try again in a minute"
        ) from error
    try:
        told = json.loads(done.stdout)
    except ValueError:
        raise _crashed(name, bounds, done.returncode) from None
    if "error" in told:
        kind = {"CapacityError": CapacityError, "StoreError": StoreError}.get(told["kind"], InputError)
        raise kind(told["error"], reason=told["reason"], hint=told["hint"])
    sound = Sound(**told)
    decoded = round(sound.seconds * sound.rate_hz) * sound.channels * 4
    if decoded > bounds.decoded_bytes:
        raise CapacityError(
            f"{name}: {decoded / 1e9:.0f} GB of samples ({sound.seconds / 3600:.1f} hours, {sound.channels} channels, "
            f"{sound.rate_hz} Hz) are more than the limit of {bounds.decoded_bytes / 1e9:.0f} GB",
            reason="too-much-audio",
            hint="cut the recording, mix its channels, or resample it to 16000 Hz",
        )
    return sound


def _crashed(name: str, bounds: Bounds, code: int) -> SpeakSepError:
    import signal

    if code == -signal.SIGXCPU:
        return _too_costly(name, bounds)
    return InputError(
        f"{name}: cannot be read (its reader ended with {code})",
        reason="damaged-audio",
        hint="convert it to wav or flac with another program, and give that",
    )


def _too_costly(name: str, bounds: Bounds) -> CapacityError:
    return CapacityError(
        f"{name}: looking into it takes more than {bounds.cpu_s} s of processor time",
        reason="too-costly",
        hint="convert it to wav or flac, whose length is known from the header",
    )
