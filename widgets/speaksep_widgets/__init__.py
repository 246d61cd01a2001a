"""Notebook tools for separated recordings: hear it, see it, correct it."""

from __future__ import annotations

from typing import Any

_HOME = {
    "BatchTable": "batch_table",
    "ExportPanel": "export_panel",
    "FileBrowser": "file_browser",
    "PlanCard": "plan_card",
    "Recorder": "recorder",
    "RecordingView": "recording_view",
    "SpeakerTracks": "speaker_tracks",
    "Upload": "upload",
    "VoiceBookPanel": "voice_book_panel",
    "Work": "work",
    "Workbench": "workbench",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
