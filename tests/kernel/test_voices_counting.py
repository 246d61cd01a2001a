"""How many people there are, and how many of them speak in a frame, where windows disagree."""

from dataclasses import replace

import numpy as np
import pytest

from speaksep_kernel.voices.clustering import cluster_and_count
from speaksep_kernel.voices.streams import Streams
from speaksep_kernel.voices.timeline import OFFSET, ONSET, timeline


def streams_of(rows, *, windows, frames=500, hop=500):
    """Streams from (window, first frame, last frame, voice) rows; voices are unit vectors."""
    window, first, last, voices = zip(*rows, strict=True)
    activity = np.zeros((len(rows), frames), np.uint8)
    for row, a, b in zip(activity, first, last, strict=True):
        row[a:b] = 255
    return Streams(
        window_start=np.arange(windows, dtype=np.int64) * hop,
        window_frames=frames,
        window=np.array(window, np.int32),
        activity=activity,
        embedding=np.array(voices, np.float32),
        weight_s=(np.array(last) - np.array(first)).astype(np.float32) * 0.02,
        label=np.full(len(rows), -1, np.int32),
        confidence=np.zeros(len(rows), np.float32),
    )


def voice(*parts):
    vector = np.zeros(16, np.float32)
    vector[: len(parts)] = parts
    return vector / np.linalg.norm(vector)


def covered(labels, *, active=True):
    """The same 100 frames heard by one window per label, each taking them for another speaker."""
    rows = [(k, 0, 100 * active, voice(1)) for k in range(len(labels))]
    return replace(streams_of(rows, windows=len(labels), hop=0), label=np.array(labels, np.int32))


@pytest.mark.parametrize("labels", [(0, 1, 2), (0, 1, 2, 3, 0), (0, -1, -1)], ids=["thirds", "two of five", "nobodies"])
def test_speech_is_somebodys_though_windows_disagree_whose(labels):
    heard = timeline(covered(labels), 500)
    assert (heard[:100, 0] >= ONSET).all()
    assert (heard[:100, 1:] < OFFSET).all()
    assert not heard[100:].any()


def test_what_few_windows_hear_is_nobodys():
    one_of_five = replace(covered((0, 0, 0, 0, 0)), activity=np.eye(5, dtype=np.uint8)[:, :1] * np.ones(500, np.uint8))
    one_of_five.activity[0] = 255
    assert (timeline(one_of_five, 500) < OFFSET).all()


def test_two_at_once_are_two():
    rows = [(k, 0, 100, voice(1)) for k in (0, 0, 1, 1, 2, 2)]
    both = replace(streams_of(rows, windows=3, hop=0), label=np.array([0, 1, 0, 1, 0, 2], np.int32))
    assert (timeline(both, 500)[:100] >= ONSET).sum(1).tolist() == [2] * 100


@pytest.mark.parametrize(("rare", "people"), [(voice(0, 0, 1), 3), (voice(0.45, 0, 1), 2)], ids=["unlike", "alike"])
def test_who_says_little_is_a_person_only_if_unlike_the_others(rare, people):
    """Forty seconds of speech, and 1 s (2.5 %) in which a third voice is heard at the same time."""
    rows = [(k, 0, 487, (voice(1), voice(0, 1))[k % 2]) for k in range(4)]
    found, phantoms = cluster_and_count(streams_of([rows[0], (0, 400, 450, rare), *rows[1:]], windows=4))
    assert found.label.max() + 1 == people
    assert phantoms == 3 - people
