from __future__ import annotations

import numpy as np
import pytest

from speaksep_kernel.separation.crowd import choose_tracks, crowded


def tracks(*rows: tuple[float, float], frames: int = 300):
    """(level, voiced) of tracks given as (share of the time, level in dB), all from the start."""
    voiced = np.zeros((len(rows), frames), np.uint8)
    level = np.zeros((len(rows), frames), np.float32)
    for row, (share, level_db) in enumerate(rows):
        voiced[row, : round(share * frames)] = 255
        level[row, : round(share * frames)] = 10 ** (level_db / 20)
    return level, voiced


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([(1.0, -20), (0.9, -25), (0.0, -80)], [0, 1], id="two-speakers"),
        pytest.param([(0.9, -25), (0.1, -40), (1.0, -20)], [2, 0], id="a-brief-leftover"),
        pytest.param([(1.0, -20), (0.9, -70), (0.8, -22)], [0, 2], id="a-faint-leftover"),
        pytest.param([(1.0, -20), (0.6, -30), (0.8, -22)], [0, 2, 1], id="three-speakers"),
        pytest.param([(0.0, -90), (0.0, -95), (0.0, -99)], [0], id="at-least-one"),
    ],
)
def test_tracks_that_speak_long_and_loud_enough_are_speakers(rows, expected):
    assert choose_tracks(*tracks(*rows), speakers=None, max_speakers=8).tolist() == expected


def test_a_known_number_of_speakers_is_taken_whatever_the_tracks_look_like():
    found = tracks((1.0, -20), (0.05, -60), (0.02, -70))
    assert choose_tracks(*found, speakers=2, max_speakers=8).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([(1.0, -20), (0.02, -40)], False, id="one-voice"),
        pytest.param([(1.0, -20), (0.5, -20)], True, id="half-overlapped"),
        pytest.param([(0.0, -90), (0.0, -90)], False, id="nobody"),
    ],
)
def test_a_crowd_is_where_a_quarter_of_the_speech_overlaps(rows, expected):
    assert crowded(tracks(*rows)[1]) is expected
