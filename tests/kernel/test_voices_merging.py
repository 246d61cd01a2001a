"""Groups of pieces are merged while they are likely to be one voice."""

from dataclasses import replace

import numpy as np
import pytest

from speaksep_kernel.training.counting import grown, save
from speaksep_kernel.voices.counting import counted, first_groups
from speaksep_kernel.voices.merging import Groups, Pieces, load_trees, merged

NOBODY = np.empty((2, 0), np.int64)


def pieces_of(people, each, *, noise=1.2, seed=0):
    """Noisy pieces of orthogonal voices, a second of speech each; two of one person have a cosine of 0.41."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), each)
    vectors = np.eye(people, 192)[who] + rng.standard_normal((len(who), 192)) * noise / 192**0.5
    ones = np.ones(len(who))
    return Pieces(
        vectors=(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32),
        said_s=ones,
        clear_s=ones,
        length_s=1.5 * ones,
        active_s=5 * ones,
        apart=NOBODY,
        together=NOBODY,
        together_s=np.empty(0),
        one_track=np.empty(0, bool),
        stream=np.arange(len(who)),
        of_stream=np.arange(len(who)),
    ), who


@pytest.mark.parametrize("people", [1, 2, 5, 8])
def test_people_are_told_apart(people):
    pieces, who = pieces_of(people, 20)
    group, found = counted(pieces, least=1, most=8)
    assert len(found) == people
    assert len({*zip(group.tolist(), who.tolist(), strict=True)}) == people


def test_pieces_that_cannot_be_one_person_are_two_people():
    pieces, _ = pieces_of(1, 20)
    group = merged(replace(pieces, apart=np.array([[0], [10]])), np.arange(20, dtype=np.int32) // 10)
    assert group.tolist() == [0] * 10 + [1] * 10
    assert merged(pieces, np.arange(20, dtype=np.int32) // 10).tolist() == [0] * 20


@pytest.mark.parametrize(("one_track", "people"), [(True, 1), (False, 2)], ids=["for one person", "for two"])
def test_what_sounds_like_one_or_two_is_what_windows_that_hear_both_take_it_for(one_track, people):
    rng = np.random.default_rng(0)
    pieces, who = pieces_of(2, 20)
    voices = np.eye(2, 192)
    voices[1, 0] = 0.75
    vectors = voices[who] / np.linalg.norm(voices[who], axis=1, keepdims=True)
    vectors += rng.standard_normal((40, 192)) * 1.2 / 192**0.5
    pairs = np.array([(k, 20 + other) for k in range(20) for other in (k, (k + 1) % 20)]).T
    doubtful = replace(
        pieces,
        vectors=(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32),
        together=pairs,
        together_s=np.zeros(40),
        one_track=np.full(40, one_track),
    )
    assert int(merged(doubtful, who.astype(np.int32)).max()) + 1 == people


def test_speech_that_windows_do_not_agree_on_makes_nobody():
    pieces, who = pieces_of(3, 20)
    assert len(counted(pieces, least=1, most=8)[1]) == 3
    doubted = np.where(who == 2, 0.1, 1)
    assert len(counted(replace(pieces, clear_s=doubted), least=1, most=8)[1]) == 2


@pytest.mark.parametrize(("least", "most", "people"), [(4, 8, 4), (1, 2, 2)], ids=["more", "fewer"])
def test_who_asks_for_a_number_gets_it(least, most, people):
    pieces, _ = pieces_of(3, 20)
    assert len(counted(pieces, least=least, most=most)[1]) == people


def test_merging_step_by_step_is_grouping_at_once():
    pieces, _ = pieces_of(4, 12, noise=2.0, seed=3)
    rng = np.random.default_rng(1)
    pairs = rng.integers(0, 48, (2, 200))
    pieces = replace(
        pieces,
        together=pairs,
        together_s=rng.random(200),
        one_track=rng.random(200) < 0.5,
        said_s=rng.random(48) + 0.5,
        clear_s=rng.random(48) / 2,
        length_s=rng.random(48) + 0.8,
    )
    steps = Groups(pieces, (np.arange(48) % 12).astype(np.int32))
    steps.merge(2, 7)
    steps.merge(0, 5)
    steps.merge(0, 2)
    at_once = Groups(pieces, steps.group)
    for ours, whole in zip(steps.pairs(), at_once.pairs(), strict=True):
        np.testing.assert_allclose(ours, whole)


def test_one_group_is_left_alone():
    pieces, _ = pieces_of(1, 1)
    assert merged(pieces, first_groups(pieces)).tolist() == [0]


def test_trees_say_what_the_library_that_grew_them_says(tmp_path, monkeypatch):
    from sklearn.ensemble import GradientBoostingClassifier

    models = []
    fit = GradientBoostingClassifier.fit
    monkeypatch.setattr(GradientBoostingClassifier, "fit", lambda *args: models.append(args[0]) or fit(*args))
    rng = np.random.default_rng(0)
    evidence = rng.standard_normal((2000, 10))
    same = evidence[:, 0] + evidence[:, 3] + rng.standard_normal(2000) > 0
    save(grown(evidence, same, rng.random(2000)), tmp_path / "trees.npz")
    kept = load_trees(tmp_path / "trees.npz").probability(evidence)
    mean = np.mean([each.decision_function(evidence) for each in models], 0)
    np.testing.assert_allclose(kept, 1 / (1 + np.exp(-mean)), atol=1e-6)
    assert kept.min() < 0.2 < 0.8 < kept.max()
