"""What the microphone hears is a file, whole at any time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.recording import Limits, Recording
from speaksep_widgets.recorder import Recorder

RATE_HZ = 16000
SOUND = np.round(np.sin(np.arange(3 * RATE_HZ) / 9) * 9000).astype("<i2")
PIECES = [piece.tobytes() for piece in SOUND.reshape(3, RATE_HZ)]


@pytest.fixture
def done() -> list[Path]:
    return []


@pytest.fixture
def recorder(tmp_path: Path, done: list[Path]) -> Recorder:
    return Recorder(tmp_path / "said", done.append)


def test_pieces_become_a_recording(recorder: Recorder, done: list[Path]) -> None:
    recorder.answer_begin(rate_hz=RATE_HZ)
    for number, piece in enumerate(PIECES):
        assert recorder.answer_piece(number=number, buffers=[piece]) == ({"seconds": number + 1.0}, [])
    answer, _ = recorder.answer_end()
    assert answer == {"name": done[0].name, "seconds": 3.0}
    assert recorder.files == [str(done[0])]
    sound, rate_hz = sf.read(done[0], dtype="int16")
    assert rate_hz == RATE_HZ
    np.testing.assert_array_equal(sound, SOUND)


def test_what_was_said_is_there_when_the_kernel_dies(recorder: Recorder) -> None:
    name = recorder.answer_begin(rate_hz=RATE_HZ)[0]["name"]
    recorder.answer_piece(number=0, buffers=[PIECES[0]])
    recorder.answer_piece(number=1, buffers=[PIECES[1]])
    assert Recording.open(recorder.folder / name).seconds == 2.0
    recorder.answer_end()


def test_a_piece_sent_twice_is_taken_once(recorder: Recorder) -> None:
    recorder.answer_begin(rate_hz=RATE_HZ)
    recorder.answer_piece(number=0, buffers=[PIECES[0]])
    assert recorder.answer_piece(number=0, buffers=[PIECES[0]])[0] == {"seconds": 1.0}
    recorder.answer_end()


def test_a_recording_whose_page_was_closed_is_kept(recorder: Recorder) -> None:
    recorder.answer_begin(rate_hz=RATE_HZ)
    recorder.answer_piece(number=0, buffers=[PIECES[0]])
    recorder.answer_begin(rate_hz=RATE_HZ)
    [left] = recorder.files
    assert Recording.open(left).seconds == 1.0
    with pytest.raises(SpeakSepError):
        recorder.answer_end()
    assert len(list(recorder.folder.iterdir())) == 1


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda r: r.answer_begin(rate_hz=1000), "rate-out-of-range"),
        (lambda r: r.answer_piece(number=0, buffers=[PIECES[0]]), "piece-lost"),
        (lambda r: (r.answer_begin(rate_hz=RATE_HZ), r.answer_piece(number=1, buffers=[PIECES[0]])), "piece-lost"),
        (lambda r: (r.answer_begin(rate_hz=RATE_HZ), r.answer_end()), "empty-audio"),
        (
            lambda r: (
                r.answer_begin(rate_hz=RATE_HZ),
                [r.answer_piece(number=n, buffers=[PIECES[n]]) for n in (0, 1)],
            ),
            "too-long",
        ),
    ],
    ids=["rate", "never-begun", "piece-missing", "nothing-said", "too-long"],
)
def test_what_cannot_be_recorded_is_said(tmp_path: Path, act, reason: str) -> None:
    recorder = Recorder(tmp_path / "said", limits=Limits(max_seconds=1.5))
    with pytest.raises(SpeakSepError) as caught:
        act(recorder)
    assert caught.value.reason == reason
    recorder._close()
