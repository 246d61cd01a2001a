"""People who are known to speak hold the clustering; bounds on their number are kept; nonsense is refused."""

import json

import numpy as np
import pytest

from speaksep_kernel.cli import main
from speaksep_kernel.diagnosis.plan import Plan, make_plan
from speaksep_kernel.errors import InputError
from speaksep_kernel.pipeline import diagnose
from speaksep_kernel.testing import conversation
from speaksep_kernel.voices.anchors import cluster_known, known_voices
from speaksep_kernel.voices.clustering import cluster_and_count
from speaksep_kernel.voices.streams import Streams

RATE_HZ = 16000
FRAMES = 500


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def talk(owner, *, voices, noise=0.6, seconds=4.0, seed=0):
    """Windows side by side, one stream each, said by ``owner`` with a voice that scatters."""
    rng = np.random.default_rng(seed)
    count = len(owner)
    activity = np.zeros((count, FRAMES), np.uint8)
    activity[:, : round(seconds / 0.02)] = 255
    scatter = unit(rng.standard_normal((count, voices.shape[1])))
    return Streams(
        window_start=np.arange(count, dtype=np.int64) * FRAMES,
        window_frames=FRAMES,
        window=np.arange(count, dtype=np.int32),
        activity=activity,
        embedding=unit(voices[owner] + noise * scatter),
        weight_s=np.full(count, seconds, np.float32),
        label=np.full(count, -1, np.int32),
        confidence=np.zeros(count, np.float32),
    )


def sisters(likeness, seed=5):
    """Three voices; the first two are this alike."""
    basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((192, 3)))[0].T
    second = likeness * basis[0] + np.sqrt(1 - likeness**2) * basis[1]
    return unit(np.stack([basis[0], second, basis[2]]))


OWNER = np.array([0, 1, 0, 1, 2, 0, 1, 2])


def test_two_who_sound_alike_are_kept_apart_by_their_enrolled_voices():
    voices = sisters(0.75)
    streams = talk(OWNER, voices=voices, noise=0.3)
    assert cluster_and_count(streams)[0].label.max() == 1
    found, _ = cluster_known(streams, voices[:2])
    assert found.label.tolist() == OWNER.tolist()


def test_known_person_who_is_silent_is_nobody():
    voices = sisters(0.0)
    streams = talk(np.array([0, 1, 0, 1]), voices=voices)
    found, _ = cluster_known(streams, voices)
    assert found.label.tolist() == cluster_and_count(streams)[0].label.tolist() == [0, 1, 0, 1]


def test_known_person_is_numbered_by_first_appearance():
    voices = sisters(0.0)
    found, _ = cluster_known(talk(np.array([2, 0, 1]), voices=voices), voices[:1])
    assert found.label.tolist() == [0, 1, 2]
    assert len(found.window_start) == len(found) == 3


def test_nobody_known_changes_nothing():
    streams = talk(OWNER, voices=sisters(0.2))
    assert cluster_known(streams, None)[0].label.tolist() == cluster_and_count(streams)[0].label.tolist()


def test_more_known_people_than_are_looked_for():
    voices = sisters(0.0)
    with pytest.raises(InputError, match="3 people are known") as caught:
        cluster_known(talk(OWNER, voices=voices), voices, max_speakers=2)
    assert caught.value.reason == "bad-speakers"


def test_bounds_reach_the_diagnosis():
    three = (conversation(15.0, 3, 0.1, seed=3).audio, RATE_HZ)
    assert diagnose(three, max_speakers=2).speakers == 2
    assert diagnose(three, min_speakers=4, max_speakers=5).speakers == 4


def test_strangers_to_the_book_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEAKSEP_BOOK", str(tmp_path / "book.json"))
    with pytest.raises(InputError) as caught:
        known_voices(["Anna"])
    assert caught.value.reason in {"empty-book", "unknown-voice"}
    assert known_voices([]) is None


def test_plan_keeps_and_tells_who_is_known(tmp_path):
    diagnosis = diagnose((np.zeros(RATE_HZ, np.float32), RATE_HZ))
    plan = make_plan(diagnosis, known=["Anna", "Ben", "Anna"])
    assert plan.known == ("Anna", "Ben")
    assert "Anna, Ben" in plan.explain()
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    with pytest.raises(InputError, match="Anna, Ben") as caught:
        make_plan(diagnosis, known=["Anna", "Ben"], speakers=1)
    assert caught.value.reason == "bad-speakers"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--speakers", "2", "--max-speakers", "3"], "--speakers 2 is exact"),
        (["--min-speakers", "4", "--max-speakers", "3"], "bounds of 4 to 3"),
        (["--min-speakers", "-1"], "bounds of -1 to 8"),
        (["--known", "Nobody"], "nobody is enrolled"),
    ],
    ids=["exact and bounds", "least above most", "less than nobody", "stranger"],
)
def test_contradictions_on_the_command_line(options, words, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPEAKSEP_BOOK", str(tmp_path / "book.json"))
    recording = conversation(3.0, 1).audio
    import soundfile

    soundfile.write(tmp_path / "a.wav", recording, RATE_HZ)
    assert main(["separate", str(tmp_path / "a.wav"), "-o", str(tmp_path / "out"), *options]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
