"""Confidence of turns: less where there is less reason for it, and never out of bounds."""

from dataclasses import replace

import numpy as np

from speaksep_kernel.voices.confidence import SURE, calibrated, evidence
from speaksep_kernel.voices.streams import Streams
from speaksep_kernel.voices.turns import Turn

FRAMES = 500


def heard(*, clear=1.0):
    """One window in which the first person speaks for 4 s and the second for 2 s of these and 2 s more."""
    activity = np.zeros((2, FRAMES), np.uint8)
    activity[0, 50:250] = activity[1, 150:350] = 255
    return Streams(
        window_start=np.zeros(1, np.int64),
        window_frames=FRAMES,
        window=np.zeros(2, np.int32),
        activity=activity,
        embedding=np.eye(2, 192, dtype=np.float32),
        weight_s=np.ones(2, np.float32),
        label=np.arange(2, dtype=np.int32),
        confidence=np.full(2, clear, np.float32),
    )


TURNS = (Turn(1.0, 5.0, 1, 0.5, True), Turn(3.0, 7.0, 2, 0.5, True))


def activity(streams, *, level=1.0):
    return (streams.activity.T > 127).astype(np.float32) * np.float32(level)


def test_evidence_is_what_it_says():
    streams = heard(clear=0.7)
    rows = evidence(TURNS, streams, activity(streams, level=0.9))
    np.testing.assert_allclose(rows, [[np.log(9), 0.7, np.log(4), 0.5]] * 2, rtol=1e-5)


def test_unclear_voices_and_faint_activity_lower_it():
    streams = heard()
    sure = calibrated(TURNS, streams, activity(streams))[0].confidence
    unclear = calibrated(TURNS, replace(streams, confidence=np.zeros(2, np.float32)), activity(streams))[0].confidence
    faint = calibrated(TURNS, streams, activity(streams, level=0.55))[0].confidence
    assert SURE[0] <= faint < sure <= SURE[1]
    assert unclear < sure


def test_only_the_confidence_changes():
    streams = heard()
    done = calibrated(TURNS, streams, activity(streams))
    assert [replace(turn, confidence=0.5) for turn in done] == list(TURNS)


def test_nothing_said_nothing_sure():
    assert calibrated((), heard(), np.zeros((FRAMES, 0), np.float32)) == ()


def test_speaker_without_streams_has_the_evidence_of_its_activity_alone():
    streams = replace(heard(), label=np.full(2, -1, np.int32))
    rows = evidence(TURNS, streams, activity(streams))
    assert rows[:, 1].tolist() == [0.0, 0.0]
