"""The mixture that a stored result was made from, read again exactly as it was then."""

from __future__ import annotations

from speaksep_kernel.progress import ProgressHook
from speaksep_kernel.recording import AnalysisCache, Mixdown, Recording
from speaksep_kernel.results.manifest import Manifest


def read_again(manifest: Manifest, recording: Recording, hook: ProgressHook) -> AnalysisCache:
    """The mixture of the tracks that a manifest is about.

    Whatever was done to the mixture before the tracks were made is done here again, so that rendering sees the same.

    Parameters
    ----------
    manifest
        Of the result.
    recording
        What it was made from.
    hook
        Told "read" in seconds.
    """
    mixture = manifest.mixture
    return AnalysisCache(recording, Mixdown(mixture.kind, mixture.weights, mixture.why), hook)
