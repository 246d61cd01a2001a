"""Separate recordings in which people talk over each other: one track per speaker, plus a residual.

Six verbs, each also a command of the ``speaksep`` program:

>>> import speaksep_kernel as speaksep
>>> diagnosis = speaksep.diagnose("meeting.mp3")  # doctest: +SKIP
>>> plan = speaksep.plan(diagnosis)  # doctest: +SKIP
>>> separation = speaksep.separate("meeting.mp3", "tracks/", plan=plan)  # doctest: +SKIP

Importing this package imports neither torch nor Jupyter nor matplotlib; the verbs load what they need when called.
"""

from __future__ import annotations

from typing import Any

_HOME = {
    "CapacityError": "errors",
    "Diagnosis": "diagnosis.report",
    "EditLog": "results.edits",
    "Finding": "diagnosis.report",
    "InputError": "errors",
    "JobError": "errors",
    "Limits": "recording",
    "Plan": "diagnosis.plan",
    "PluginError": "errors",
    "PluginInfo": "plugins",
    "Recording": "recording",
    "Separation": "results.values",
    "SpeakSepError": "errors",
    "StoreError": "errors",
    "Track": "results.values",
    "Turn": "voices.turns",
    "diagnose": "pipeline",
    "edit": "pipeline",
    "edit_log": "results.rerender",
    "enroll": "voices.enrolment",
    "export": "pipeline",
    "identify": "pipeline",
    "plan": "pipeline",
    "render": "pipeline",
    "reseparate": "pipeline",
    "sample_recording": "testing",
    "separate": "pipeline",
    "verify": "pipeline",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("speaksep")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
