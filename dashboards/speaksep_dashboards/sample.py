"""The sample recording's result, separated once and looked at by everybody."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from platformdirs import user_cache_path

import speaksep_kernel as speaksep
from speaksep_dashboards import VIEWS
from speaksep_widgets import SpeakerTracks


def stored_sample(folder: Path | None = None) -> Path:
    """The directory of the result; separated first if it is not there.

    Parameters
    ----------
    folder
        Where results of dashboards are kept: ``SPEAKSEP_DASHBOARDS``, or a folder of the user, by default.
    """
    kept = folder or Path(os.environ.get("SPEAKSEP_DASHBOARDS") or user_cache_path("speaksep") / "dashboards")
    kept.mkdir(parents=True, exist_ok=True)
    result = kept / "sample"
    with (kept / ".sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two who look first at once wait for one separation
        if not result.exists():
            speaksep.separate(speaksep.sample_recording(), result)
    return result


def sample_view() -> SpeakerTracks:
    """The result with sound; corrections are made to a copy that goes with the page."""
    stored = stored_sample()
    views = stored.parent / VIEWS
    views.mkdir(exist_ok=True)
    return SpeakerTracks(shutil.copytree(stored, Path(tempfile.mkdtemp(dir=views)) / "sample"))
