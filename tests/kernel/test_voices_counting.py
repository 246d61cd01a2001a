"""How many people there are, and how many of them speak in a frame, where windows disagree."""

from dataclasses import replace

import numpy as np
import pytest

from speaksep_kernel.voices.clustering import cluster_and_count
from speaksep_kernel.voices.counting import LIKENESS, grouped
from speaksep_kernel.voices.pieces import HOP, LONG, PIECE, SAME, Grid, plenty
from speaksep_kernel.voices.streams import Streams
from speaksep_kernel.voices.timeline import OFFSET, ONSET, timeline, turns, without_silent


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
    """Twenty-eight seconds of speech, and 0.84 s (2.9 %) in which a third voice is heard at the same time."""
    rows = [(k, 0, 350, (voice(1), voice(0, 1))[k % 2]) for k in range(4)]
    found, phantoms = cluster_and_count(streams_of([rows[0], (0, 300, 342, rare), *rows[1:]], windows=4))
    assert found.label.max() + 1 == people
    assert phantoms == 3 - people


def test_whoever_never_gets_a_turn_is_nobody():
    """One window of five hears somebody else where four hear the first speaker; later a third person speaks alone."""
    heard = covered((0, 0, 1, 0, 0))
    later = replace(heard, activity=np.roll(heard.activity, 200, 1), label=np.full(5, 2, np.int32))
    names = ("window", "activity", "embedding", "weight_s", "label", "confidence")
    both = replace(heard, **{name: np.concatenate([getattr(heard, name), getattr(later, name)]) for name in names})
    kept = without_silent(both, 500)
    assert kept.label.tolist() == [0, 0, -1, 0, 0, *[1] * 5]
    assert {turn.speaker for turn in turns(timeline(kept, 500))} == {1, 2}
    np.testing.assert_array_equal(without_silent(both, 500, least=3).label, both.label)


@pytest.mark.parametrize(("first", "last"), [(0, LONG), (17, 500), (HOP, HOP + PIECE + HOP)])
def test_windows_share_the_pieces_of_a_long_run(first, last):
    pieces = list(Grid().cut(first, last))
    assert all(first <= a and b <= last and b - a == PIECE and a % HOP == 0 for a, b in pieces)
    assert pieces[0][0] - first < HOP
    assert last - pieces[-1][1] < HOP


def test_a_short_run_seen_by_two_windows_is_one():
    grid = Grid()
    assert list(grid.cut(100, 160)) == list(grid.cut(100 + SAME, 160 - SAME)) == [(100, 160)]
    assert list(grid.cut(100, 160 + SAME + 1)) == [(100, 161 + SAME)]


@pytest.mark.parametrize(("frames", "enough"), [(320, False), (321, True)], ids=["not yet", "a little more"])
def test_there_is_plenty_of_speech_above_half_a_minute(frames, enough):
    rows = [(k, 0, frames, voice(1)) for k in range(5)]
    assert plenty(streams_of(rows, windows=5)) is enough


def pieces_of(people, each, *, noise, seed=0):
    """Noisy pieces of orthogonal voices, the cosine of two of one person being 1 / (1 + noise ** 2)."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), each)
    vectors = np.eye(people, 192)[who] + rng.standard_normal((len(who), 192)) * noise / 192**0.5
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), who


NOBODY = np.empty((2, 0), np.int64)


@pytest.mark.parametrize("people", [1, 2, 5, 8])
def test_people_are_counted_by_all_likenesses(people):
    vectors, who = pieces_of(people, 20, noise=1.3)
    assert LIKENESS < 1 / (1 + 1.3**2)
    group, found = grouped(vectors, np.full(len(vectors), 0.76), NOBODY, least=1, most=8)
    assert len(found) == people
    assert len(set(zip(group.tolist(), who.tolist(), strict=True))) == people


@pytest.mark.parametrize(("least", "most", "people"), [(1, 2, 2), (5, 8, 5), (1, 8, 3)], ids=["fewer", "more", "free"])
def test_bounds_of_the_number_are_kept(least, most, people):
    vectors, _ = pieces_of(3, 20, noise=1.0)
    assert len(grouped(vectors, np.full(60, 2.0), NOBODY, least=least, most=most)[1]) == people


def test_who_cannot_be_one_person_is_two_however_alike():
    vectors, _ = pieces_of(1, 20, noise=0.5)
    group, _ = grouped(vectors, np.full(20, 2.0), np.array([[3], [4]]), least=1, most=8)
    assert group[3] != group[4]


def test_a_second_of_a_voice_is_nobody():
    vectors, _ = pieces_of(2, 20, noise=0.8)
    seconds = np.where(np.arange(40) < 20, 2.0, 0.05)
    group, people = grouped(vectors, seconds, NOBODY, least=1, most=8)
    assert int(group.max()) + 1 == 2
    assert len(people) == 1
