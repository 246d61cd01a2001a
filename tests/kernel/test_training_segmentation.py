"""Fine-tuning of segmentation: the truth it learns from, the loss, and that learning lowers it."""

from itertools import permutations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from speaksep_kernel.testing import voices
from speaksep_kernel.training.conversations import simulate
from speaksep_kernel.training.corpus import from_voices
from speaksep_kernel.training.segmentation import CLASSES, blend, class_table, codes_of, loss, train
from speaksep_kernel.training.segmentation_windows import CENTRE, STEP, hear, local_truth, recall
from speaksep_kernel.training.surroundings import surroundings
from speaksep_kernel.voices.streams import RATE_HZ
from speaksep_kernel.voices.weights import load_segmentation


@pytest.fixture(scope="module")
def corpus():
    return from_voices(voices())


@pytest.fixture(scope="module")
def cache(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("windows")
    hear(corpus, 1, folder / "train", seed=1)
    hear(corpus, 1, folder / "valid", seed=2)
    return folder


def log_probabilities(classes):
    sure = torch.full((1, len(classes), len(CLASSES)), -20.0)
    sure[0, torch.arange(len(classes)), torch.tensor(classes)] = 0.0
    return sure


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_the_names_of_the_speakers_do_not_matter(order):
    truth = np.array([[False, False, False], [True, False, False], [True, True, False], [False, False, True]])
    said = [sorted(order[k] for k in np.flatnonzero(frame)) for frame in truth]
    right = log_probabilities([CLASSES.index(tuple(who)) for who in said])
    assert loss(right, torch.from_numpy(codes_of(truth))[None], torch.from_numpy(class_table())) == 0


def test_two_speakers_heard_as_one_cost_something():
    truth = np.array([[True, False, False], [False, True, False]])
    cost = loss(log_probabilities([1, 1]), torch.from_numpy(codes_of(truth))[None], torch.from_numpy(class_table()))
    assert cost == pytest.approx(10)


def test_of_three_at_once_two_are_asked_for():
    assert {CLASSES[k] for k in class_table()[:, 0b111]} <= {(0, 1), (0, 2), (1, 2)}


def test_truth_of_a_window_is_that_of_the_conversation(corpus):
    made = simulate(corpus, 2, seed=3)
    start = 20 * RATE_HZ
    truth = local_truth(made, start, 589)
    middle_s = (start + CENTRE + STEP * 300) / RATE_HZ
    speaking = sum(turn.start_s <= middle_s < turn.end_s for turn in made.turns)
    assert truth[300].sum() == speaking
    assert np.all(np.diff(truth.sum(0)) <= 0)


def test_windows_made_before_are_not_made_again(corpus, cache):
    kept = cache / "train" / "w00001.npz"
    before = kept.stat().st_mtime_ns
    hear(corpus, 1, cache / "train", seed=1)
    assert kept.stat().st_mtime_ns == before


def test_windows_hold_ten_seconds_each(cache):
    windows = recall(cache / "train" / "w00001.npz")
    assert windows.features.shape[1:] == (589, 60)
    assert windows.truth.shape == (*windows.features.shape[:2], 3)


def test_learning_lowers_the_error_on_what_was_learned_from(cache, capsys):
    out = cache / "weights.safetensors"
    train(cache, out, minutes=0.1, rate=1e-3, batch=4, validate="train")
    printed = capsys.readouterr().out.splitlines()
    before, after = (float(line.split("loss ")[1].split(",")[0]) for line in (printed[0], printed[-1]))
    assert after < before
    assert out.stat().st_size < 6_000_000


def test_blended_weights_lie_between_published_and_tuned(tmp_path):
    published = dict(load_segmentation(tuned=False).named_parameters())["classifier.bias"]
    save_file({"classifier.bias": published + 1}, tmp_path / "weights.safetensors")
    blend(tmp_path / "weights.safetensors", 0.25)
    found = load_file(tmp_path / "weights.safetensors")["classifier.bias"]
    assert found.dtype == torch.float16
    assert torch.allclose(found.float() - published, torch.tensor(0.25), atol=0.01)


def test_surroundings_have_no_holes_and_come_again(corpus):
    first, again = (surroundings(corpus, 5 * RATE_HZ, np.random.default_rng(4)) for _ in range(2))
    assert np.isfinite(first).all()
    assert np.array_equal(first, again)
