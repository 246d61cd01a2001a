"""How many people there are where there is plenty of speech: pieces of it clustered by all their likenesses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from speaksep_kernel.voices.merging import START, Pieces, merged

LIKENESS = 0.23
"""Mean cosine between the pieces of two groups above which they are one voice. Strangers: 0.07 ± 0.09; pieces of one
person: 0.4 ± 0.13 if they are of a second, 0.5 ± 0.14 of a second and a half."""
PERSON_S = 2.5
PERSON_SHARE = 0.06
"""A person speaks clearly for 2.5 s, or for 6 % of the clear speech if that is less. What only some windows take for
one person may be two at once, and makes groups of its own."""
MORE = 30
"""Groups below which a number of people asked for is looked for."""

Float32 = NDArray[np.float32]


def counted(pieces: Pieces, *, least: int, most: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Groups of pieces that are one voice each, and which of them are people.

    They are merged two by two as `merged` has learned it. Where that gives fewer or more people than asked for, all
    pieces are grouped by their likeness alone, to the number that is wanted.

    Parameters
    ----------
    pieces
        Of clear speech.
    least, most
        Bounds of the number of people.

    Returns
    -------
    group
        (pieces,) int32 from 0.
    people
        The groups that speak enough to be people.
    """
    group = merged(pieces, first_groups(pieces))
    who = people(group, pieces.clear_s)
    if least <= len(who) <= most:
        return group, who
    return grouped(pieces.vectors, pieces.clear_s, pieces.apart, least=least, most=most)


def first_groups(pieces: Pieces) -> NDArray[np.int32]:
    """(pieces,) int32: groups of what is very much alike, rather too many."""
    if len(pieces.vectors) == 1:
        return np.zeros(1, np.int32)
    return _numbered(fcluster(_tree(pieces.vectors, pieces.apart), 1 - START, "distance"))


def people(group: NDArray[np.int32], speech_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """The groups that speak enough to be people; one at least."""
    said_s = np.bincount(group, speech_s)
    enough = np.flatnonzero(said_s >= min(PERSON_S, PERSON_SHARE * said_s.sum()))
    return enough if len(enough) else np.array([np.argmax(said_s)])


def grouped(
    vectors: Float32, speech_s: NDArray[np.float64], apart: NDArray[np.int64], *, least: int, most: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Groups of pieces that are one voice each, by average linkage.

    The mean over all pairs of pieces is fooled less than the likeness of two means: a piece in which two people speak
    lies between them, and would pull them together.

    Parameters
    ----------
    vectors
        (pieces, dim) unit embeddings.
    speech_s
        (pieces,) seconds of speech each stands for.
    apart
        (2, pairs) pieces that cannot be one person.
    least, most
        Bounds of the number of people; fewer than ``least`` are found only if there are fewer pieces.

    Returns
    -------
    group
        (pieces,) int32 from 0.
    people
        The groups that speak enough to be people.
    """
    if len(vectors) == 1:
        return np.zeros(1, np.int32), np.zeros(1, np.int64)
    tree = _tree(vectors, apart)
    group = _numbered(fcluster(tree, 1 - LIKENESS, "distance"))
    who = people(group, speech_s)
    if len(who) > most:
        # Fewer groups; and if there are still too many of them with enough to say, those who say most.
        for count in range(int(group.max()), 0, -1):
            fewer = _numbered(fcluster(tree, count, "maxclust"))
            if len(people(fewer, speech_s)) <= most:
                return fewer, people(fewer, speech_s)
    for count in range(int(group.max()) + 1, min(len(vectors), int(group.max()) + 1 + MORE) + 1):
        if len(who) >= least:
            break
        group = _numbered(fcluster(tree, count, "maxclust"))
        who = people(group, speech_s)
    if len(who) < least:
        group = _numbered(fcluster(tree, max(least, int(group.max()) + 1), "maxclust"))
        said_s = np.bincount(group, speech_s)
        who = np.sort(np.argsort(-said_s, kind="stable")[:least])
    return group, who


def _numbered(group: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.unique(group, return_inverse=True)[1].astype(np.int32)


def _tree(vectors: Float32, apart: NDArray[np.int64]) -> NDArray[np.float64]:
    """Average linkage of all pieces."""
    count = len(vectors)
    distance = np.maximum(pdist(vectors.astype(np.float64), "cosine"), 0)
    low, high = apart.min(0), apart.max(0)
    real = low < high
    # Where pair (low, high) lies in a condensed matrix; so far that no mean over pairs comes near.
    distance[(count * low - low * (low + 1) // 2 + high - low - 1)[real]] = count**3
    return np.asarray(linkage(distance, "average"))
