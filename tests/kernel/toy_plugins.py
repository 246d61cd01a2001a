"""Plugins called "toy" that do as a test wants, installed as pip would."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from speaksep_kernel import plugins

_SEPARATOR = """
import ctypes, os, sys, time
import numpy as np
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.separation.protocol import LocalTracks
{top}

class Plugin:
    info = PluginInfo("toy", "1.0", "a toy", sample_rates_hz=(16000,), max_speakers=2)
    answer = 42

    def __init__(self, *, device="cpu"):
        self.process = os.getpid()

    def separate(self, windows, rate_hz):
        {body}
        return [LocalTracks(np.stack([window / 2, window / 2])) for window in windows]
"""


class InstallToy(Protocol):
    """Put a package with one plugin on the path."""

    def __call__(self, code: str, kind: str = "separator") -> None: ...


def separator(body: str = "pass", top: str = "") -> str:
    """Code of a separator that does ``body`` before it answers, and whose module begins with ``top``."""
    return _SEPARATOR.format(body=body, top=top)


def put_toy(site: Path, module: str, code: str, kind: str) -> None:
    """Write the package into a folder that is on the path."""
    (site / f"{module}.py").write_text(code)
    info = site / "toys-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[speaksep.{kind}s]\ntoy = {module}:Plugin\n")
    plugins.refresh()
