"""Grow the trees that tell how many people there are: ``python -m speaksep_kernel.training.counting --help``.

Simulated conversations of the training speakers are heard as any recording is, cut into too many groups of pieces, and
put together again in the right way: every two groups on the way are an example, of one voice or of two.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.training.conversations import MOST, Simulated, simulate, with_silence
from speaksep_kernel.training.corpus import Corpus
from speaksep_kernel.training.heard import Heard, hear, recall
from speaksep_kernel.voices.clustering import pieces_of
from speaksep_kernel.voices.counting import first_groups, people
from speaksep_kernel.voices.embedding import ACTIVE
from speaksep_kernel.voices.merging import TREES, Groups, Pieces, Trees, merged

SEED = 1000
"""Number of the first conversation."""
DOUBTFUL = 0.12
RARELY = 0.15
"""Of groups whose pieces are less alike than this, which are hardly ever one voice, one in seven is learned from."""
ROUNDS = 2
FOLDS = 4
MODELS, RATE, LEAVES = 4, 0.06, 8
LONGER = partial(with_silence, silence_s=30.0)
"""Two or three people who talk for two minutes: of so few, `simulate` makes conversations of one minute only."""
Float64 = NDArray[np.float64]


def examples(heard: Iterable[tuple[Heard, Pieces]]) -> tuple[Float64, NDArray[np.bool_], Float64]:
    """Evidence of pairs of groups, whether they are one voice, and how much each example counts.

    Parameters
    ----------
    heard
        Conversations and their pieces.

    Returns
    -------
    evidence
        (examples, features) of `speaksep_kernel.voices.merging.Groups.pairs`.
    same
        (examples,) whether most of what both say is one person's.
    weight
        (examples,) less for groups that say little or in which several people speak.
    """
    rng = np.random.default_rng(0)
    evidence, same, weight = [], [], []
    for conversation, pieces in heard:
        spoken = _spoken(conversation, pieces)
        for _ in range(ROUNDS):
            groups = Groups(pieces, first_groups(pieces))
            while len(groups.pieces) > 1:
                first, second, found = groups.pairs()
                said = np.zeros((len(groups.pieces), spoken.shape[1]))
                np.add.at(said, groups.group, spoken)
                who, pure = said.argmax(1), said.max(1) / np.maximum(said.sum(1), 1e-9)
                one = who[first] == who[second]
                if not one.any():
                    break
                doubtful = found[:, 0] > DOUBTFUL
                chosen = doubtful | (rng.random(len(found)) < RARELY)
                enough = np.minimum(1, np.minimum(groups.said_s[first], groups.said_s[second]) / 2)
                worth = np.minimum(pure[first], pure[second]) * enough * np.where(doubtful, 1, 1 / RARELY)
                evidence.append(found[chosen])
                same.append(one[chosen])
                weight.append(worth[chosen])
                # Any right order will do, the likeliest first more often than not.
                right = np.flatnonzero(one)
                best = right[np.argmax(found[right, 0] + rng.normal(0, 0.05, len(right)))]
                groups.merge(int(first[best]), int(second[best]))
    return np.concatenate(evidence), np.concatenate(same), np.concatenate(weight)


def grown(evidence: Float64, same: NDArray[np.bool_], weight: Float64) -> Trees:
    """Boosted trees (Friedman, 2001) for examples as from `examples`: the mean of a few that chance made different."""
    from sklearn.ensemble import GradientBoostingClassifier

    trees = []
    for seed in range(MODELS):
        model = GradientBoostingClassifier(
            n_estimators=80,
            learning_rate=RATE,
            max_leaf_nodes=LEAVES,
            max_depth=None,
            max_features=5,
            subsample=0.5,
            min_samples_leaf=100,
            random_state=seed,
        ).fit(evidence, same, weight)
        trees += [each.tree_ for each in model.estimators_[:, 0]]

    def padded(name: str) -> NDArray[Any]:
        return np.array([np.pad(np.ravel(getattr(tree, name)), (0, 2 * LEAVES - tree.node_count)) for tree in trees])

    share = np.average(same, weights=weight)
    return Trees(
        feature=np.maximum(padded("feature"), -1).astype(np.int16),
        threshold=padded("threshold"),
        left=padded("children_left").astype(np.int16),
        right=padded("children_right").astype(np.int16),
        value=RATE / MODELS * padded("value"),
        constant=float(np.log(share / (1 - share))),
    )


def off(heard: Sequence[tuple[Heard, Pieces]], trees: Trees) -> NDArray[np.int64]:
    """(conversations,) by how many the number of people is wrong."""
    found = [len(people(merged(pieces, first_groups(pieces), trees), pieces.clear_s)) for _, pieces in heard]
    return np.array([min(n, MOST) - each.truth.shape[1] for n, (each, _) in zip(found, heard, strict=True)])


def save(trees: Trees, path: Path) -> None:
    """As arrays; nothing in the file can run."""
    np.savez_compressed(path, **vars(trees))


def _spoken(heard: Heard, pieces: Pieces) -> Float64:
    """(pieces, people) frames of each person in each piece's streams."""
    active = heard.streams.activity[pieces.stream] > ACTIVE * 255
    spoken = np.zeros((len(pieces.vectors), heard.truth.shape[1]))
    starts = heard.streams.window_start[heard.streams.window[pieces.stream]]
    for piece, start, on in zip(pieces.of_stream, starts, active, strict=True):
        truth = heard.truth[start : start + len(on)]
        spoken[piece] += on[: len(truth)] @ truth.astype(np.float64)
    return spoken


def main() -> None:
    """Hear, grow, judge, save."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("speech", type=Path, help="folder of tar shards with manifest.csv (docs/training.md)")
    options.add_argument("--cache", type=Path, required=True, help="keeps what was heard")
    options.add_argument("--count", type=int, default=120, help="conversations of two to eight people")
    options.add_argument("--longer", type=int, default=22, help="longer conversations of two or three")
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("-o", "--output", type=Path, default=TREES)
    chosen = options.parse_args()
    # One person in eight conversations teaches nothing.
    numbers = [number for number in range(SEED, SEED + chosen.count) if number % MOST]
    kinds: list[tuple[str, Callable[[Corpus, int], Simulated], Sequence[int]]] = [
        ("many", simulate, numbers),
        ("few", LONGER, range(SEED, SEED + chosen.longer)),
    ]
    conversations: list[Heard] = []
    with ProcessPoolExecutor(chosen.processes, mp_context=get_context("spawn")) as pool:
        for name, make, some in kinds:
            folder = chosen.cache / name
            folder.mkdir(parents=True, exist_ok=True)
            listen = partial(hear, speech=chosen.speech, split="train", folder=folder, make=make)
            conversations += [recall(path) for path in pool.map(listen, some)]
    heard = [(each, pieces_of(each.streams)) for each in conversations]
    wrong = np.concatenate(
        [
            off(heard[fold::FOLDS], grown(*examples([each for k, each in enumerate(heard) if k % FOLDS != fold])))
            for fold in range(FOLDS)
        ]
    )
    print(f"{len(heard)} conversations, each counted by trees of the others:", flush=True)
    print(f"exact {100 * np.mean(wrong == 0):.1f} %, one off {100 * np.mean(abs(wrong) == 1):.1f} %")
    save(grown(*examples(heard)), chosen.output)


if __name__ == "__main__":
    main()
