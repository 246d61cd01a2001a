"""Modules of other packages are imported by another process first: one that ends its process is then not imported here.

A module that was imported well is remembered until its file changes, so this costs a fraction of a second per package
and version, once.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from speaksep_kernel.containment.bounds import Bounds

LONGEST_S = 30.0
_WELL, _FAULT, _MEMORY = 42, 1, 43
_PROGRAM = f"""
import json, sys
from importlib import import_module
sys.path[:] = json.loads(sys.argv[2])
if sys.platform == "linux":
    import resource
    resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[3]),) * 2)
try:
    import_module(sys.argv[1])
except MemoryError:
    sys.exit({_MEMORY})
except SystemExit:
    sys.exit({_FAULT})
sys.exit({_WELL})
"""
# Another exception ends it with 1: the import here raises the same, with a better text.


def fatal(point: EntryPoint) -> str:
    """What importing the module of an entry point would do to this process, empty if nothing bad.

    Parameters
    ----------
    point
        Of an installed package.

    Returns
    -------
    Such as ``"it ended the process that tried it (SIGSEGV)"``.
    """
    key = _key(point)
    if key in _remembered():
        return ""
    most_bytes = Bounds.of().memory_bytes
    command = [sys.executable, "-c", _PROGRAM, point.module, json.dumps(sys.path), str(most_bytes)]
    try:
        tried = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST_S, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return f"it had not ended after {LONGEST_S:g} s"
    if tried == _MEMORY:
        return f"it wanted more memory than {most_bytes / 1e9:.3g} GB"
    if tried not in (_WELL, _FAULT):
        return f"it ended the process that tried it ({signal.Signals(-tried).name if tried < 0 else f'exit {tried}'})"
    if tried == _WELL:
        _remember(key)
    return ""


def _key(point: EntryPoint) -> str:
    changed: Any = None
    with suppress(ImportError, ValueError, AttributeError, OSError, TypeError):
        spec = find_spec(point.module.partition(".")[0])  # of a module within a package it would import that
        changed = [spec.origin, Path(spec.origin).stat().st_mtime_ns] if spec and spec.origin else None
    dist = point.dist
    return json.dumps([dist.name if dist else "", dist.version if dist else "", point.value, changed, sys.executable])


def _place() -> Path:
    return Path(os.environ.get("SPEAKSEP_PLUGIN_TRIALS") or user_cache_path("speaksep") / "plugin-trials.json")


def _remembered() -> list[str]:
    with suppress(OSError, ValueError):
        found = json.loads(_place().read_text(encoding="utf-8"))
        if isinstance(found, list):
            return found
    return []


def _remember(key: str) -> None:
    place = _place()
    with suppress(OSError):  # tried again next time
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_name(f"{place.name}.{os.getpid()}")
        new.write_text(json.dumps([*_remembered()[-199:], key]), encoding="utf-8")
        new.replace(place)
