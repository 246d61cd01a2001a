"""The parts of the diarization: windows, features, clustering, timeline, turns, RTTM."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from speaksep_kernel.errors import InputError, PluginError
from speaksep_kernel.recording.cache import AnalysisCache
from speaksep_kernel.recording.recording import Recording
from speaksep_kernel.testing import voice
from speaksep_kernel.voices import clustering, weights
from speaksep_kernel.voices.agglomeration import agglomerate
from speaksep_kernel.voices.clustering import cluster
from speaksep_kernel.voices.embedding import embed
from speaksep_kernel.voices.encoders import CamPlusPlus, Encoder
from speaksep_kernel.voices.fbank import fbank
from speaksep_kernel.voices.rttm import parse_rttm, rttm_text
from speaksep_kernel.voices.runs import ONE_VOICE, Voice, long_runs, with_voices
from speaksep_kernel.voices.segmentation import window_starts
from speaksep_kernel.voices.streams import Streams
from speaksep_kernel.voices.timeline import timeline, turns
from speaksep_kernel.voices.turns import Turn


@given(total=st.integers(0, 5000), size=st.integers(1, 600), hop=st.integers(1, 600))
def test_windows_cover_every_frame(total, size, hop):
    hop = min(hop, size)
    covered = np.zeros(total + size, bool)
    starts = window_starts(total, size, hop)
    for start in starts:
        covered[start : start + size] = True
    assert covered[:total].all()
    assert sorted(set(starts)) == starts


def test_features_are_kaldis():
    """Against librosa's HTK mel bank (triangles straight in Hz instead of in mel) on the same pre-emphasised frames."""
    from librosa.filters import mel

    samples = voice("june")[0][:32000]
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), 400)[::160]
    frames = frames - frames.mean(1, keepdims=True)
    frames = frames - 0.97 * np.hstack([frames[:, :1], frames[:, :-1]])
    power = np.abs(np.fft.rfft(frames * np.hanning(400) ** 0.85, 512)) ** 2
    bank = mel(sr=16000, n_fft=512, n_mels=80, fmin=20, fmax=8000, htk=True, norm=None)
    reference = np.log(np.maximum(power @ bank.T, 1e-7))
    ours = fbank(torch.from_numpy(samples.copy())).numpy()
    assert ours.shape == reference.shape == (198, 80)
    assert np.abs(ours - (reference - reference.mean(0))).mean() < 0.1


def test_embeddings_tell_people_apart():
    names = ["allison", "librivox", "june", "carlo", "ivrvoice"]
    encoder = CamPlusPlus()
    first = encoder.embed([voice(name)[0] for name in names])
    second = encoder.embed([voice(name)[1] for name in names])
    assert isinstance(encoder, Encoder)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    assert (np.argmax(first @ second.T, 1) == np.arange(len(names))).all()


def test_too_little_to_embed_is_nan():
    found = CamPlusPlus().embed([np.zeros(16000, np.float32), np.ones(100, np.float32)])
    assert np.isnan(found).all()


def test_encoder_refuses_other_rates():
    with pytest.raises(InputError, match="8000"):
        CamPlusPlus().embed([], 8000)


def test_missing_weights_are_named():
    with pytest.raises(PluginError, match=r"no_such\.pt") as caught:
        weights.locate("models/no_such.pt")
    assert caught.value.reason == "missing-weights"


def made_streams(people, windows, *, noise=0.2, seed=0, together=2):
    """``together`` of ``people`` speak in turn in each window, with noisy embeddings around orthogonal voices."""
    rng = np.random.default_rng(seed)
    voices = np.eye(people, 64, dtype=np.float32)
    who = np.array([rng.choice(people, together, replace=False) for _ in range(windows)])
    window = np.repeat(np.arange(windows), together)
    activity = np.zeros((windows * together, 500), np.uint8)
    for k in range(together):
        activity[k::together, 100 * k : 100 * k + 100] = 255
    vectors = voices[who.ravel()] + rng.standard_normal((len(window), 64)).astype(np.float32) * (noise / 8)
    streams = Streams(
        window_start=np.arange(windows, dtype=np.int64) * 500,
        window_frames=500,
        window=window.astype(np.int32),
        activity=activity,
        embedding=(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32),
        weight_s=np.full(len(window), 2.0, np.float32),
        label=np.full(len(window), -1, np.int32),
        confidence=np.zeros(len(window), np.float32),
    )
    return streams, who.ravel()


def same_partition(left, right):
    return len(set(zip(left, right, strict=True))) == len(set(left)) == len(set(right))


@pytest.mark.parametrize("people", range(2, 9))
def test_cluster_finds_up_to_eight_people(people):
    streams, who = made_streams(people, 40, noise=0.6)
    assert same_partition(cluster(streams).label, who)


def test_long_recordings_are_clustered_in_blocks(monkeypatch):
    monkeypatch.setattr(clustering, "BLOCK", 50)
    streams, who = made_streams(4, 100, noise=0.6)
    assert same_partition(cluster(streams).label, who)


@pytest.mark.parametrize(("together_frames", "speakers"), [(60, 2), (0, 1)], ids=["at once", "one after the other"])
def test_alike_streams_are_two_people_only_if_they_overlap(together_frames, speakers):
    streams, _ = made_streams(3, 20)
    streams.activity[1::2, 100 - together_frames : 200 - together_frames] = 255
    alike = replace(streams, embedding=np.repeat(streams.embedding[:1], len(streams), 0))
    assert cluster(alike).label.max() + 1 == speakers


def test_one_slip_does_not_make_two_people_of_one():
    """One voice on the first stream of every window; once, the segmentation hears it twice at the same time."""
    streams, _ = made_streams(2, 20)
    one = np.repeat(streams.embedding[:1], len(streams), 0)
    streams.activity[1::2] = 0
    streams.activity[1, 50:150] = 255
    alone = replace(streams, embedding=one, weight_s=np.where(streams.activity.any(1), 2, 0).astype(np.float32))
    assert cluster(alone).label[0::2].max() == 0


def test_streams_that_take_turns_may_outnumber_the_speakers():
    streams, who = made_streams(2, 30, noise=0.6)
    half = np.repeat(np.arange(len(streams)), 2)
    cut = replace(
        streams,
        **{name: getattr(streams, name)[half] for name in ("window", "embedding", "weight_s", "label", "confidence")},
        activity=streams.activity[half],
    )
    cut.activity[0::4, 50:100], cut.activity[1::4, :50] = 0, 0
    cut.activity[2::4, 150:], cut.activity[3::4, :150] = 0, 0
    cut.activity[0::4, 100:150] = 255
    label = cluster(cut).label
    assert (label >= 0).all()
    assert same_partition(label, who[half])


def test_stream_of_two_people_is_cut():
    low, high = (voice(name)[0][:48000] for name in ("carlo", "june"))
    audio = np.concatenate([low, np.zeros(8000, np.float32), high])
    activity = np.zeros((1, 325), np.uint8)
    activity[0, :150], activity[0, 175:] = 255, 255
    one = Streams(
        window_start=np.array([0, 100], np.int64),
        window_frames=325,
        window=np.zeros(1, np.int32),
        activity=activity,
        embedding=np.empty((1, 0), np.float32),
        weight_s=np.zeros(1, np.float32),
        label=np.full(1, -1, np.int32),
        confidence=np.zeros(1, np.float32),
    )
    with AnalysisCache(Recording.open((audio, 16000))) as cache:
        found = embed(cache, one)
    assert [np.flatnonzero(row).tolist() for row in found.activity] == [list(range(150)), list(range(175, 325))]
    assert found.weight_s.tolist() == [3.0, 3.0]
    assert found.embedding[0] @ found.embedding[1] < ONE_VOICE


def test_runs_of_one_person_stay_one_stream():
    streams, _ = made_streams(2, 2)
    like = streams.embedding[0]
    found = with_voices(streams, {0: [Voice((0, 50), like, 1.0), Voice((60, 100), like, 0.8)]})
    np.testing.assert_array_equal(found.activity, streams.activity)
    assert found.weight_s[0] == pytest.approx(1.8)


def test_short_runs_are_not_embedded_alone():
    solo = np.zeros(200, bool)
    solo[[*range(10, 60), *range(70, 90), *range(120, 199)]] = True
    assert long_runs(solo) == [(10, 60), (120, 199)]


def test_speakers_are_numbered_by_first_appearance():
    label = cluster(made_streams(5, 40)[0]).label
    assert list(dict.fromkeys(label.tolist())) == [0, 1, 2, 3, 4]


def test_short_voice_in_a_long_talk_is_a_phantom():
    streams, who = made_streams(3, 100)
    rare = np.flatnonzero(who == 2)[1:]
    kept = np.setdiff1d(np.arange(len(streams)), rare)
    short = Streams(
        **{
            name: getattr(streams, name)[kept]
            for name in ("window", "activity", "embedding", "weight_s", "label", "confidence")
        },
        window_start=streams.window_start,
        window_frames=500,
    )
    short.activity[np.flatnonzero(who[kept] == 2), 30:] = 0
    found, phantoms = clustering.cluster_and_count(short)
    assert found.label.max() == 1
    assert phantoms == 1


def test_no_streams_no_speakers():
    empty = made_streams(2, 1)[0]
    nothing = replace(empty, **{n: getattr(empty, n)[:0] for n in ("window", "activity", "embedding", "weight_s", "label", "confidence")})  # fmt: skip  # noqa: E501
    assert len(cluster(nothing).label) == 0
    assert timeline(nothing, 100).shape == (100, 0)


def test_at_most_is_kept_even_across_cannot_links():
    vectors = np.eye(3, dtype=np.float32)
    found = agglomerate(vectors, np.ones(3, np.float32), ~np.eye(3, dtype=bool), threshold=0.5, most=1)
    assert found.tolist() == [0, 0, 0]


def test_turns_fill_short_gaps_and_drop_clicks():
    activity = np.zeros((200, 2), np.float32)
    activity[10:60, 0], activity[30:33, 0], activity[100:102, 0], activity[50:90, 1] = 0.9, 0.1, 0.9, 0.8
    assert turns(activity, min_on_s=0.1, min_off_s=0.1) == (
        Turn(0.2, 1.2, 1, 0.852, True),
        Turn(1.0, 1.8, 2, 0.8, True),
    )


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(1, 10**5), st.integers(0, 4)),
        max_size=20,
        unique_by=lambda row: row[:1],
    )
)
def test_rttm_comes_back_as_it_went(rows):
    made = tuple(sorted(Turn(a / 1000, (a + n) / 1000, k) for a, n, k in rows))
    back, labels = parse_rttm(rttm_text(made, "a b"), "a_b")
    assert [(t.start_s, round(t.end_s, 3)) for t in back] == [(t.start_s, round(t.end_s, 3)) for t in made]
    assert [labels[t.speaker] for t in back] == [f"speaker_{t.speaker}" for t in made]


def test_broken_rttm_is_named_by_line():
    with pytest.raises(InputError, match="line 2"):
        parse_rttm("SPEAKER a 1 0.0 1.0 <NA> <NA> x <NA> <NA>\nSPEAKER a 1 zero 1.0 <NA> <NA> x <NA> <NA>\n")
