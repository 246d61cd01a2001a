"""The mixture that a stored result was made from, read again exactly as it was then."""

from __future__ import annotations

from pathlib import Path

from speaksep_kernel.progress import ProgressHook
from speaksep_kernel.recording import AnalysisCache, Mixdown, Recording
from speaksep_kernel.results.cleaned import CleanedCache
from speaksep_kernel.results.manifest import Manifest


def read_again(manifest: Manifest, recording: Recording, internal: Path, hook: ProgressHook) -> AnalysisCache:
    """The mixture of the tracks that a manifest is about.

    Where it was cleaned, what was kept of that is read: rendering sees the same, and nothing is cleaned again.

    Parameters
    ----------
    manifest
        Of the result.
    recording
        What it was made from.
    internal
        Directory of what was kept.
    hook
        Told "read" in seconds.

    Raises
    ------
    StoreError
        The cleaned mixture is damaged.
    """
    mixture = manifest.mixture
    given = AnalysisCache(recording, Mixdown(mixture.kind, mixture.weights, mixture.why), hook)
    return CleanedCache(given, manifest.cleaning, internal) if manifest.cleaning else given
