"""What a notebook keeps of an hour: pictures and turns, never sound."""

import json
from dataclasses import replace
from pathlib import Path

import ipywidgets
import numpy as np
import pytest
import soundfile as sf

from speaksep_kernel.recording import Recording
from speaksep_kernel.results.edits import Reassign
from speaksep_kernel.results.values import Separation
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.editable import editable_separation
from speaksep_kernel.voices.turns import Turn
from speaksep_widgets.recording_view import RecordingView
from speaksep_widgets.speaker_tracks import SpeakerTracks

HOUR_S = 3600
RATE_HZ = 8000
MOST_BYTES = 1_000_000
TURNS = 1500
"""In an hour; meetings have about one every three seconds."""


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Separation:
    """An hour of four people: a minute's result, and as much of everything as an hour has."""
    folder = tmp_path_factory.mktemp("hour")
    talk = conversation(20, speakers=4, overlap=0.1, seed=3, rate_hz=RATE_HZ)
    sf.write(folder / "talk.wav", talk.audio, RATE_HZ)
    short = editable_separation(folder / "talk.wav", talk.turns, folder / "tracks")
    silence = folder / "hour.wav"
    silence.write_bytes(_header(HOUR_S * RATE_HZ))
    with silence.open("r+b") as file:
        file.truncate(44 + 2 * HOUR_S * RATE_HZ)  # a hole: takes no room
    starts = np.sort(np.random.default_rng(7).uniform(0, HOUR_S - 5, TURNS))
    turns = tuple(Turn(start, start + np.pi, k % 4 + 1, 1 / (k + 3)) for k, start in enumerate(starts.tolist()))
    tracks = tuple(replace(track, file=silence) for track in short.tracks)
    return replace(short, tracks=tracks, residual=silence, turns=turns)


def _header(samples: int) -> bytes:
    numbers = (16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    sizes = zip(numbers, (4, 2, 2, 4, 4, 2, 2), strict=True)
    body = b"WAVEfmt " + b"".join(number.to_bytes(size, "little") for number, size in sizes)
    data = b"data" + (2 * samples).to_bytes(4, "little")
    return b"RIFF" + (len(body) + 8 + 2 * samples).to_bytes(4, "little") + body + data


def _saved(*widgets: ipywidgets.Widget) -> int:
    """Bytes of these widgets in a saved notebook."""
    state = ipywidgets.Widget.get_manager_state(widgets=list(widgets))
    outputs = [widget._repr_mimebundle_() for widget in widgets]
    return len(json.dumps([state, outputs]))


def test_an_hour_with_everything_stays_under_a_megabyte(hour: Separation, tmp_path: Path) -> None:
    tracks = SpeakerTracks(hour)
    edits = [Reassign(start_s=k + 0.123, end_s=k + 1.456, speaker=1, to=2) for k in range(200)]
    tracks.set_trait("edit_log", tracks._log.append(*edits).model_dump(mode="json"))
    view = RecordingView(Recording.open(hour.residual), hour.diagnosis)
    spans = [[k * 6.3, k * 6.3 + 1.7] for k in range(500)]
    view.findings = [{"code": f"code-{n}", "severity": "notice", "why": "why " * 30, "spans": spans} for n in range(5)]
    assert len(tracks.turns) == TURNS
    assert view.seconds == HOUR_S
    assert 50_000 < _saved(tracks, view) < MOST_BYTES
