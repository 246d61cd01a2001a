"""Every widget, trait and shortcut is in docs/widgets.md."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import anywidget
import pytest

import speaksep_widgets
from speaksep_widgets.base import SpeakSepWidget

DOCS = (Path(__file__).parents[2] / "docs" / "widgets.md").read_text("utf-8")
PARTS = {"RecordingView": "recording_view.js", "SpeakerTracks": "speaker_tracks.js", "Recorder": "recorder.js"}
SHORTCUT = re.compile(r'keys: (\[.*?\]), words: "([^"]*)"')


def section(title: str) -> str:
    """What is under a heading."""
    return re.split(r"\n## ", DOCS.split(f"\n## {title}\n", 1)[1], maxsplit=1)[0]


def shortcuts(script: str) -> list[tuple[str, str]]:
    text = files("speaksep_widgets").joinpath(script).read_text("utf-8")
    return [(" ".join(f"`{key}`" for key in json.loads(keys)), words) for keys, words in SHORTCUT.findall(text)]


@pytest.mark.parametrize("name", speaksep_widgets.__all__)
def test_every_widget_is_documented(name: str) -> None:
    assert re.search(rf"`{name}[(`]", DOCS)


def test_pictures_are_there_small_and_in_both_themes() -> None:
    images = Path(__file__).parents[2] / "docs" / "images"
    named = re.findall(r'"images/([\w-]+\.png)"', DOCS)
    assert len(named) >= 8
    assert {name.replace("-dark", "-light") for name in named if "-dark" in name} == set(named[1::2])
    assert [name for name in named if (images / name).stat().st_size > 150_000] == []


WIDGETS = [getattr(speaksep_widgets, name) for name in speaksep_widgets.__all__]
OWN = [widget for widget in WIDGETS if isinstance(widget, type) and issubclass(widget, SpeakSepWidget)]


@pytest.mark.parametrize("widget", OWN, ids=lambda widget: widget.__name__)
def test_every_trait_is_documented(widget: type[SpeakSepWidget]) -> None:
    traits = set(widget.class_traits(sync=True)) - set(anywidget.AnyWidget.class_traits(sync=True))
    shared = section("RecordingView") if widget.__name__ == "SpeakerTracks" else ""
    missing = [name for name in traits if f"`{name}`" not in section(widget.__name__) + shared and name[0] != "_"]
    assert missing == []


@pytest.mark.parametrize(("title", "script"), PARTS.items(), ids=PARTS)
def test_every_shortcut_is_documented(title: str, script: str) -> None:
    assert shortcuts(script)
    assert [row for row in shortcuts(script) if "| {} | {} |".format(*row) not in section(title)] == []


@pytest.mark.parametrize("script", ["parts/sight.js", "parts/keys.js"])
def test_shared_shortcuts_are_documented(script: str) -> None:
    assert shortcuts(script)
    assert [row for row in shortcuts(script) if "| {} | {} |".format(*row) not in section("RecordingView")] == []


def test_no_shortcut_is_documented_that_is_not() -> None:
    scripts = [*PARTS.values(), "parts/sight.js", "parts/keys.js"]
    known = {"| {} | {} |".format(*row) for script in scripts for row in shortcuts(script)}
    rows = re.split(r"\| keys \| \|\n\|---\|---\|\n", DOCS)[1:]
    written = {line for block in rows for line in block.split("\n\n", 1)[0].splitlines()}
    assert written - known == set()
