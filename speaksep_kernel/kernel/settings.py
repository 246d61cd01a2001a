"""What a kernel asks for and what its machine allows, from the environment."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from speaksep_kernel.errors import InputError

Mode = Literal["auto", "gpu", "cpu"]
MODES: tuple[Mode, ...] = ("auto", "gpu", "cpu")

# One place for all users of a machine: TMPDIR and XDG_RUNTIME_DIR are a user's own, and /run/lock is not everywhere.
FOLDER = "/tmp/speaksep-leases"


@dataclass(frozen=True)
class LeaseSettings:
    """How GPUs are shared out.

    Parameters
    ----------
    folder
        Where the lock files are (``SPEAKSEP_LEASES``); all who share the GPUs must name the same.
    slots_per_gpu
        Kernels that may use one GPU at a time (``SPEAKSEP_GPU_SLOTS``).
    gpus
        Which GPUs may be used (``SPEAKSEP_GPUS``): "all", indices or UUIDs with commas between, or ``pretend:0,1``.
    min_free_bytes
        A GPU with less free memory takes no further kernel (``SPEAKSEP_GPU_MIN_FREE_BYTES``).
    idle_release_s
        A kernel that did nothing for so long gives its slot back (``SPEAKSEP_IDLE_RELEASE_S``); 0 is never.
    wait_s
        How long a kernel that must have a GPU queues for one (``SPEAKSEP_DEVICE_WAIT_S``).
    device
        "auto", "gpu" or "cpu" (``SPEAKSEP_DEVICE``).
    label
        What others read about this kernel while it holds a slot (``SPEAKSEP_HOLDER``), e.g. "job 17".
    user
        Whose kernel it is: the hub's name for them, or the system's.
    """

    folder: Path = Path(FOLDER)
    slots_per_gpu: int = 2
    gpus: str = "all"
    min_free_bytes: int = 1 << 30
    idle_release_s: float = 1800.0
    wait_s: float = 0.0
    device: Mode = "auto"
    label: str = "kernel"
    user: str = ""

    @classmethod
    def of(cls, environ: Mapping[str, str] | None = None) -> LeaseSettings:
        """Read them.

        Parameters
        ----------
        environ
            The environment; that of this process by default.

        Raises
        ------
        InputError
            Reason ``bad-setting``: a variable holds what cannot be used.
        """
        given = os.environ if environ is None else environ
        return cls(
            folder=Path(given.get("SPEAKSEP_LEASES", "") or FOLDER),
            slots_per_gpu=int(_number(given, "SPEAKSEP_GPU_SLOTS", cls.slots_per_gpu, int, least=1)),
            # Inside one of our kernels CUDA_VISIBLE_DEVICES is what that one was given, so SPEAKSEP_GPUS comes first.
            gpus=given.get("SPEAKSEP_GPUS") or _visible(given.get("CUDA_VISIBLE_DEVICES")),
            min_free_bytes=int(_number(given, "SPEAKSEP_GPU_MIN_FREE_BYTES", cls.min_free_bytes, int)),
            idle_release_s=_number(given, "SPEAKSEP_IDLE_RELEASE_S", cls.idle_release_s, float),
            wait_s=_number(given, "SPEAKSEP_DEVICE_WAIT_S", cls.wait_s, float),
            device=_mode(given.get("SPEAKSEP_DEVICE") or "auto"),
            label=given.get("SPEAKSEP_HOLDER") or cls.label,
            user=given.get("JUPYTERHUB_USER") or _system_user(),
        )


def _mode(text: str) -> Mode:
    for mode in MODES:
        if mode == text:
            return mode
    raise _bad("SPEAKSEP_DEVICE", text, f"one of: {', '.join(MODES)}")


def _visible(cuda: str | None) -> str:
    """What a scheduler left of the GPUs; an empty list means none, no list means all."""
    return "all" if cuda is None else cuda or "none"


def _number(
    given: Mapping[str, str], name: str, default: float, kind: type[int] | type[float], least: int = 0
) -> float:
    text = given.get(name, "")
    try:
        value = kind(text) if text else default
    except ValueError:
        value = -1.0
    if not least <= value < float("inf"):  # also what is not a number
        raise _bad(name, text, f"a number, {least} or more")
    return value


def _bad(name: str, value: str, wanted: str) -> InputError:
    return InputError(f"{name} is {value!r}", reason="bad-setting", hint=f"set it to {wanted}")


def _system_user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container that runs as a number without a name
        return str(os.getuid())
