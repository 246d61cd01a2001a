"""Bottom-up clustering of unit vectors that respects "these two are different people"."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def agglomerate(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    apart: NDArray[np.bool_],
    *,
    threshold: float,
    most: int | None = None,
    least: int = 1,
) -> NDArray[np.int32]:
    """Merge the most similar pair of clusters until none is similar enough.

    The similarity of two clusters is the cosine between their weighted sums (centroid linkage): noise in single
    embeddings averages out as clusters grow.

    Parameters
    ----------
    vectors
        (n, dim) unit vectors.
    weights
        (n,) seconds of speech behind each.
    apart
        (n, n) symmetric; true where two vectors cannot be one person.
    threshold
        Least cosine similarity that merges.
    most
        Go on below the threshold, and at last across ``apart``, until at most this many clusters are left.
    least
        Stop at this many clusters, however similar they are.

    Returns
    -------
    (n,) int32 cluster numbers from 0.
    """
    count = len(vectors)
    member = np.arange(count)
    total = vectors * weights[:, None]
    similarity = _cosine(total, total)
    np.fill_diagonal(similarity, -np.inf)
    apart = apart.copy()
    alive = np.ones(count, bool)
    best = np.where(apart, -np.inf, similarity).max(1, initial=-np.inf)
    for left in range(count, least, -1):
        a = int(np.argmax(best))
        if best[a] < threshold:
            if most is None or left <= most:
                break
            if best[a] == -np.inf:
                apart[:] = ~(alive[:, None] & alive)
                best = np.where(apart, -np.inf, similarity).max(1)
                a = int(np.argmax(best))
        b = int(np.argmax(np.where(apart[a], -np.inf, similarity[a])))
        stale = alive & ((best == similarity[:, a]) | (best == similarity[:, b]))
        total[a] += total[b]
        member[member == b] = a
        alive[b] = False
        apart[a] |= apart[b]
        apart[:, a] = apart[a]
        row = np.where(alive, _cosine(total[a : a + 1], total)[0], -np.inf)
        row[a] = -np.inf
        similarity[a], similarity[:, a] = row, row
        similarity[b], similarity[:, b] = -np.inf, -np.inf
        best = np.where(alive & ~apart[a], np.maximum(best, row), best)
        stale[a], best[b] = True, -np.inf
        rows = np.flatnonzero(stale & alive)
        best[rows] = np.where(apart[rows], -np.inf, similarity[rows]).max(1)
    return np.unique(member, return_inverse=True)[1].astype(np.int32)


def _cosine(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    cosine = left @ right.T  # of thousands by thousands: two such arrays at a time, not four
    lengths = np.linalg.norm(left, axis=1)[:, None] * np.linalg.norm(right, axis=1)
    np.maximum(lengths, 1e-12, out=lengths)
    return np.asarray(np.divide(cosine, lengths, out=cosine), np.float32)
