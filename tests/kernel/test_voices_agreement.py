"""Whether the windows that hear a stretch agree that one person speaks in it."""

from dataclasses import replace

import numpy as np
import pytest

from speaksep_kernel.voices.agreement import one_voice, tracks
from speaksep_kernel.voices.runs import Voice, with_voices
from speaksep_kernel.voices.streams import Streams


def streams_of(rows, *, hop=100, frames=500):
    """Streams from (window, first frame, last frame) rows."""
    activity = np.zeros((len(rows), frames), np.uint8)
    for row, (_, first, last) in zip(activity, rows, strict=True):
        row[first:last] = 255
    window = np.array([row[0] for row in rows], np.int32)
    nothing = np.zeros(len(rows), np.float32)
    return Streams(
        window_start=np.arange(int(window.max()) + 1, dtype=np.int64) * hop,
        window_frames=frames,
        window=window,
        activity=activity,
        embedding=np.zeros((len(rows), 4), np.float32),
        weight_s=nothing,
        label=window,
        confidence=nothing,
    )


ALONE = [(0, 200, 300), (1, 100, 200)]


@pytest.mark.parametrize(
    ("rows", "share"),
    [
        (ALONE, 1),
        ([*ALONE, (1, 100, 200)], 0.75),
        ([*ALONE, (1, 100, 150)], (1 + 2 / 3) / 2),
        ([ALONE[0], (1, 100, 150), (1, 140, 200)], (1 + 60 / 110) / 2),
        ([ALONE[0], (1, 300, 400)], 1),
    ],
    ids=["both hear one", "one hears two", "two for half of it", "a change of speaker", "one hears nobody"],
)
def test_windows_agree_or_not_that_one_person_speaks(rows, share):
    streams = streams_of(rows)
    assert one_voice(streams, streams.activity > 127)[0] == pytest.approx(share)


def test_what_was_cut_from_one_track_is_one_track():
    streams = streams_of([(0, 0, 400), (0, 350, 500), (1, 0, 500)])
    heard = {0: [Voice(run, np.eye(4, dtype=np.float32)[k], 1.5) for k, run in enumerate([(0, 150), (160, 390)])]}
    cut = with_voices(streams, heard, one_voice=np.inf)
    assert tracks(cut).tolist() == [0, 0, 1, 2]
    second = int((cut.activity[1] > 127).sum())
    np.testing.assert_allclose(one_voice(cut, cut.activity > 127)[:2], [1, (second / (second + 50) + 1) / 2])


def test_who_was_known_before_is_one_voice():
    streams = streams_of([(0, 0, 100), (0, 0, 100)])
    assert one_voice(replace(streams, weight_s=np.array([10, 2], np.float32)), streams.activity > 127).tolist() == [
        1.0,
        0.5,
    ]
