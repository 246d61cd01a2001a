"""Where fork servers listen, and which of them may serve whom.

A fork server hands on what it is: its user, limits, control group, and whatever its imports read from the environment.
All of that is hashed into the name of its socket, so that a process never finds a server that differs from itself in
anything but what is set again after the fork.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from speaksep_kernel.errors import StoreError

ENVIRONMENT = "SPEAKSEP_RUNTIME_DIR"
"""Names the folder for sockets and logs in the place of the user's own runtime folder."""
CHOSEN = "SPEAKSEP_FORK_IMPORTS"
"""Variable with modules, commas between, that kernels want in the place of all that separates: a smaller server."""
IMPORTS_READ = (
    "CONDA_", "CUBLAS_", "CUDA_HOME", "CUDA_MODULE_LOADING", "CUDA_PATH", "DYLD_", "GLIBC_", "GOMP_", "HOME", "KMP_",
    "LANG", "LC_", "LD_", "LIBROSA_", "LOGNAME", "MALLOC_", "MKL_", "MPL", "NUMBA_", "NPY_", "NUMPY_", "OMP_",
    "OPENBLAS_", "PATH", "PYANNOTE_", "PYTHON", "PYTORCH_", "SCIPY_", "SKLEARN_", CHOSEN, "SSL_",
    "TMPDIR", "TORCH", "USER", "VIRTUAL_ENV", "XDG_",
)  # fmt: skip
"""Beginnings of the variables that interpreters and libraries read once. A server sees these and no others."""
SET_AFTER_FORK = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Numbers of threads: a kernel gets its own, whatever the server had."""
_STATUS = ("Umask", "Uid", "Gid", "Groups", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp", "Cpus_allowed", "Mems_allowed")
_LONGEST_SOCKET = 107
"""Bytes of a socket's path, by Linux."""


@dataclass(frozen=True)
class Place:
    """Files of one fork server, all in the runtime folder of its user."""

    folder: Path
    key: str

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / f"{self.key}.sock"

    @property
    def lock(self) -> Path:
        """Held while it lives; says "ready" once it is."""
        return self.folder / f"{self.key}.lock"

    @property
    def log(self) -> Path:
        """What it and its imports wrote."""
        return self.folder / f"{self.key}.log"


def place_for(interpreter: str, env: Mapping[str, str]) -> Place:
    """The fork server that would serve this process.

    Parameters
    ----------
    interpreter
        The Python of the kernel.
    env
        Its environment.

    Raises
    ------
    StoreError
        Reason ``unsafe-runtime-dir``, as `runtime_dir`; ``long-runtime-dir``: no socket can be there.
    """
    place = Place(runtime_dir(), hashlib.sha256(repr(_identity(interpreter, env)).encode()).hexdigest()[:16])
    if len(os.fsencode(place.socket)) > _LONGEST_SOCKET:
        raise StoreError(
            f"the runtime folder's name is too long for a socket: {place.folder}",
            reason="long-runtime-dir",
            hint=f"set {ENVIRONMENT} to a shorter one",
        )
    return place


def places() -> list[Place]:
    """All fork servers of this user that left files, running or not."""
    folder = runtime_dir()
    return [Place(folder, path.stem) for path in sorted(folder.glob("*.lock"))]


def runtime_dir() -> Path:
    """The user's own folder for sockets, made if it is not there.

    ``SPEAKSEP_RUNTIME_DIR``, or ``speaksep`` in ``XDG_RUNTIME_DIR``, or ``speaksep-UID`` in the temporary folder, where
    others may have been first: so it is used only if it is a folder of this user that nobody else may enter.

    Raises
    ------
    StoreError
        Reason ``unsafe-runtime-dir``.
    """
    chosen, session = os.environ.get(ENVIRONMENT), os.environ.get("XDG_RUNTIME_DIR")
    shared = Path(tempfile.gettempdir(), f"speaksep-{os.geteuid()}")
    folder = Path(chosen) if chosen else Path(session, "speaksep") if session else shared
    try:
        folder.mkdir(mode=0o700, parents=bool(chosen), exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise _unsafe(folder, error.strerror or str(error)) from error
    if not stat.S_ISDIR(found.st_mode):
        raise _unsafe(folder, "not a folder")
    if found.st_uid != os.geteuid():
        raise _unsafe(folder, f"it belongs to user {found.st_uid}")
    if found.st_mode & 0o077:
        raise _unsafe(folder, f"others may enter it (mode {stat.S_IMODE(found.st_mode):04o})")
    return folder.absolute()


def imports_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that a fork server is started with, and answers for."""
    return {
        name: value
        for name, value in sorted(env.items())
        if name.startswith(IMPORTS_READ) and name not in SET_AFTER_FORK
    }


def _identity(interpreter: str, env: Mapping[str, str]) -> list[object]:
    """Everything that a forked process has from its server and that is not set again."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return [
        os.path.abspath(interpreter),
        sys.version_info[:2],
        imports_environment(env),
        [status.get(name, "") for name in _STATUS],
        os.getpriority(os.PRIO_PROCESS, 0),
        Path("/proc/self/limits").read_text(),
        Path("/proc/self/cgroup").read_text(),
        list(_namespaces()),
    ]


def _namespaces() -> Iterator[str]:
    for entry in sorted(Path("/proc/self/ns").iterdir()):
        yield os.readlink(entry)


def _unsafe(folder: Path, why: str) -> StoreError:
    return StoreError(
        f"the runtime folder {folder} cannot be used: {why}",
        reason="unsafe-runtime-dir",
        hint=f"chmod 700 it, or set {ENVIRONMENT} to a folder of your own",
    )
