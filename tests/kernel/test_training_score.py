"""The scoreboard's measures, sets and contenders."""

import numpy as np
import pytest

from speaksep_kernel.separation.protocol import LocalTracks
from speaksep_kernel.testing import voice, voices
from speaksep_kernel.training.contenders import ConvTasNet
from speaksep_kernel.training.corpus import from_voices
from speaksep_kernel.training.measures import (
    attenuation_db,
    best_order,
    improvements_db,
    pitch_hz,
    sa_sdr_db,
    si_sdr_db,
)
from speaksep_kernel.training.score import SAME_SEX_HZ, main, quality_row, score, score_sets, table

CORPUS = from_voices(voices())


@pytest.fixture(scope="module")
def sets():
    return score_sets(CORPUS, 1)


@pytest.mark.parametrize("level", [1, 0.1, -3], ids=str)
def test_si_sdr_does_not_depend_on_the_level(level):
    reference = voice("carlo")[0]
    noisy = (
        reference + np.random.default_rng(1).standard_normal(len(reference)).astype(np.float32) * reference.std() / 10
    )
    assert si_sdr_db(noisy * np.float32(level), reference) == pytest.approx(20, abs=0.3)


def test_tracks_are_matched_to_references(sets):
    item = sets["3 speakers"][0]
    gains = improvements_db(item.references[[2, 0, 1]], item.references, item.mixture)
    assert best_order(gains) == [1, 2, 0]


def test_sa_sdr_minds_the_level():
    speech = np.stack([voice("carlo")[0]])
    assert sa_sdr_db(speech * np.float32(0.9), speech) == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize(("factor", "db"), [(0.1, 20), (0, 100)], ids=["a-tenth", "silent"])
def test_attenuation(factor, db):
    speech = voice("carlo")[0]
    assert attenuation_db(speech * np.float32(factor), speech) == pytest.approx(db, abs=0.1)


@pytest.mark.parametrize("name", ["allison", "june", "ivrvoice"])
def test_women_lie_above_the_pitch_that_parts_the_sexes(name):
    assert SAME_SEX_HZ < pitch_hz(np.concatenate(voice(name)), 16000) < 300


@pytest.mark.parametrize("name", ["carlo", "librivox"])
def test_men_lie_below_it(name):
    assert 75 < pitch_hz(np.concatenate(voice(name)), 16000) < SAME_SEX_HZ


def test_pitch_of_noise_is_unknown():
    assert np.isnan(pitch_hz(np.random.default_rng(1).standard_normal(32000).astype(np.float32), 16000))


def test_every_set_says_who_speaks(sets):
    speakers = {name: len(items[0].references) for name, items in sets.items()}
    assert speakers == {
        "2 speakers": 2,
        "3 speakers": 3,
        "2, noise 5-15 dB": 2,
        "2, noise and room": 2,
        "2, sparse conversation": 2,
        "2, telephone band": 2,
        "2 of the same sex": 2,
        "1 speaker": 1,
        "nobody, -60 dBFS noise": 0,
    }


def test_sets_are_the_same_every_time(sets):
    again = score_sets(CORPUS, 1)
    assert all(np.array_equal(sets[name][0].mixture, again[name][0].mixture) for name in sets)


def test_conversations_are_mostly_one_at_a_time(sets):
    frames = sets["2, sparse conversation"][0].references.reshape(2, -1, 160).any(-1)
    assert 0.05 < frames.all(0).mean() < 0.4


def test_a_perfect_separation_scores_best(sets):
    item = sets["2 speakers"][0]
    silence = np.zeros_like(item.mixture)
    result = LocalTracks(np.stack([item.references[1], silence, item.references[0]]))
    found = score(item, result)
    assert found.si_sdri_db > 60
    assert found.pesq > 4.5
    assert found.stoi > 0.99
    assert found.silent_db == 100
    assert 1 < found.dnsmos < 5


def test_doing_nothing_improves_nothing(sets):
    item = sets["2 speakers"][0]
    nothing = np.stack([item.mixture] * 3)
    assert improvements_db(nothing, item.references, item.mixture) == pytest.approx(0, abs=1e-3)


def test_rows_leave_blank_what_a_measure_cannot_say(sets):
    item = sets["nobody, -60 dBFS noise"][0]
    row = quality_row([score(item, LocalTracks(item.mixture[None] * np.float32([[0.1]])))])
    assert row["silent, dB"] == pytest.approx(20, abs=0.1)
    assert "|  |" in table({("nobody", "ours"): row}, ("set", "separator"))


def test_conv_tasnet_has_the_papers_size():
    contender = ConvTasNet()
    parameters = sum(value.numel() for value in contender._network.parameters())
    assert parameters == pytest.approx(5.1e6, rel=0.05)
    tracks = contender.separate(np.zeros((1, 16000), np.float32), [])[0].tracks
    assert tracks.shape == (3, 16000)


def test_a_corpus_that_is_not_there(tmp_path, capsys):
    assert main(["--corpus", str(tmp_path / "missing")]) == 2
    assert "not a folder" in capsys.readouterr().err
