"""What is left in a notebook for those without its kernel."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from PIL import Image

import speaksep_widgets
from speaksep_kernel.results.values import Separation
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.editable import editable_separation
from speaksep_widgets import BatchTable, ExportPanel, RecordingView, SpeakerTracks, Work, Workbench
from speaksep_widgets.last_picture import LeavesPicture, picture_of_lanes, table_of_turns


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What a notebook would have as outputs: by display_id the latest, as notebooks keep them."""
    shell = InteractiveShell.instance()
    outputs: list[dict[str, Any]] = []

    def publish(data: Any, metadata: Any = None, *, transient: Any = None, update: bool = False, **_: Any) -> None:
        place = (transient or {}).get("display_id")
        for output in outputs:
            output["data"] = data if update and output["place"] == place else output["data"]
        outputs.extend([{"data": data, "place": place}] * (not update))

    monkeypatch.setattr(shell.display_pub, "publish", publish)
    return outputs


@pytest.fixture(scope="module")
def separation(tmp_path_factory: pytest.TempPathFactory) -> Separation:
    folder = tmp_path_factory.mktemp("last")
    talk = conversation(12, speakers=2, overlap=0.1, seed=5, rate_hz=8000)
    sf.write(folder / "talk.wav", talk.audio, talk.rate_hz)
    return editable_separation(folder / "talk.wav", talk.turns, folder / "tracks")


def test_the_widget_and_beside_it_its_picture(shown: list[dict[str, Any]], separation: Separation) -> None:
    tracks = SpeakerTracks(separation)
    display(tracks)
    widget, left = (output["data"] for output in shown)
    assert widget["application/vnd.jupyter.widget-view+json"]["model_id"] == tracks.model_id
    assert f"speaksep-{tracks.model_id}" in tracks._dom_classes  # by which the page knows that it is there
    assert "Not live: the last picture of SpeakerTracks, talk.wav. Run the cell again" in left["text/html"]
    assert left["text/html"].count("<img ") == len(tracks.lanes)
    assert "speaker 1" in left["text/html"]
    assert f"{len(tracks.turns)} turns" in left["text/html"]
    assert "<script" not in left["text/html"]
    assert len(left["text/html"]) < 60_000


def test_the_picture_follows_corrections(shown: list[dict[str, Any]], separation: Separation) -> None:
    tracks = SpeakerTracks(separation)
    display(tracks)
    tracks.apply({"op": "rename", "speaker": 1, "name": "Ada <3"})
    tracks.wait(60)
    assert "Ada &lt;3" in shown[1]["data"]["text/html"]
    tracks.undo()
    tracks.wait(60)
    assert "Ada" not in shown[1]["data"]["text/html"]


def test_a_lane_is_drawn_where_there_is_sound() -> None:
    peaks = np.zeros((2, 100, 2), np.int16)
    peaks[0, 50:, 0], peaks[0, 50:, 1] = -16000, 16000
    html = picture_of_lanes({"a": "Ada", "b": "b"}, peaks, {"a": "#0072b2"}, {"a": [(0.0, 2.5)]}, 10.0)
    loud, silent = [
        np.asarray(Image.open(BytesIO(base64.b64decode(data))).convert("RGBA"))
        for data in re.findall(r"base64,([^\"]+)", html)
    ]
    opaque = (loud[..., 3] == 255).mean(axis=0)
    assert opaque[60] > 0.9
    assert opaque[30] < 0.1
    assert (loud[0, 10, 3], loud[0, 30, 3]) == (56, 0)  # the turn is shaded
    assert tuple(loud[24, 80, :3]) == (0x00, 0x72, 0xB2)
    assert (silent[..., 3] == 255).mean() < 0.1


def test_of_very_many_turns_some_are_left_out_and_that_is_said() -> None:
    html = table_of_turns([("Ada", float(k), k + 0.5, 0.9) for k in range(1500)])
    assert html.count("<tr>") == 1001
    assert "And 500 more." in html


def test_a_recording_with_what_was_found(shown: list[dict[str, Any]], separation: Separation) -> None:
    view = RecordingView(separation)
    display(view)
    assert shown[1]["data"]["text/html"].count("<img ") == 1
    for finding in separation.diagnosis.findings:
        assert finding.severity in shown[1]["data"]["text/html"]


def test_what_became_of_the_work_is_left(shown: list[dict[str, Any]]) -> None:
    work = Work(lambda hook: 42, "Counting")
    display(work)
    work.start().wait(10)
    assert "Counting: done." in shown[1]["data"]["text/html"]


def test_the_workbench_leaves_its_parts(shown: list[dict[str, Any]], separation: Separation, tmp_path: Path) -> None:
    bench = Workbench(separation)
    display(bench)
    html = shown[1]["data"]["text/html"]
    assert html.count("<img ") == 1 + 4
    assert str(separation.directory) not in html
    assert bench.tracks is not None
    bench.tracks.apply({"op": "rename", "speaker": 2, "name": "Grace"})
    bench.tracks.wait(60)
    assert "Grace" in shown[1]["data"]["text/html"]


def test_tables_and_files_are_left(shown: list[dict[str, Any]], separation: Separation, tmp_path: Path) -> None:
    display(BatchTable([tmp_path / "a.wav"]))
    assert "a.wav" in shown[1]["data"]["text/html"]
    panel = ExportPanel(separation, tmp_path / "out")
    display(panel)
    panel.export().wait(60)
    assert "talk.rttm" in shown[3]["data"]["text/html"]
    assert str(tmp_path) not in shown[3]["data"]["text/html"]


WIDGETS = [getattr(speaksep_widgets, name) for name in speaksep_widgets.__all__]


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.__name__)
def test_every_widget_leaves_something(widget: type) -> None:
    assert issubclass(widget, LeavesPicture)
