"""Which local streams are the same person, and how many people there are."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError
from speaksep_kernel.voices.agglomeration import agglomerate
from speaksep_kernel.voices.agreement import one_voice, tracks
from speaksep_kernel.voices.counting import counted
from speaksep_kernel.voices.embedding import ACTIVE, MIN_SOLO_S, known
from speaksep_kernel.voices.merging import Pieces
from speaksep_kernel.voices.pieces import plenty
from speaksep_kernel.voices.streams import FRAME_S, Streams

THRESHOLD = 0.4
"""Cosine similarity of two groups of streams above which they are one voice (strangers: 0.0 ± 0.1)."""
CERTAIN = 0.6
SLIP_SHARE = 0.1
"""Groups this alike are one voice though they are heard at once, if that is a tenth at most of what the lesser one
says: segmentation slips now and then, and one slip would keep all streams of the two groups apart for good."""
RELIABLE_S = (0.8, 2.0)
RELIABLE_SHARE = 0.02
"""Streams embedded from less than 2 % of the speech, within these bounds, are named afterwards, and found no speaker
of their own: the more there is to choose from, the choosier."""
PHANTOM_S = 2.0
PHANTOM_SHARE = 0.005
SHORT_SHARE = 0.045
"""A person speaks for 0.5 % of the speech at least, and for 2 s (4.5 % in recordings with less than a minute of it)."""
RARE_SHARE = 0.01
UNLIKE = 0.24
"""Who speaks for 1 % (2 s at most) is a person too if the voice is less like every other than strangers are."""
SIMULTANEOUS_S = 0.5
SIMULTANEOUS_SHARE = 0.01
"""Two voices heard at once for this long, and this much of the speech, are two people, however alike."""
HANDOVER_S = 0.3
ALIKE = 0.3
"""Two streams of one window are two people if they overlap for longer than a handover takes or sound less alike than
this; otherwise segmentation may have cut one voice in two."""
ALWAYS = 0.9
"""Who speaks whenever the other does, for this share of the time, is somebody else (and so are people known before)."""
BLOCK = 4000
"""Streams clustered at once; memory grows with the square of it."""

Float32 = NDArray[np.float32]


def cluster(streams: Streams, *, speakers: int | None = None, min_speakers: int = 0, max_speakers: int = 8) -> Streams:
    """Name the speaker of every stream.

    Streams that overlap are never the same speaker (unless ``speakers`` leaves no other way).

    Parameters
    ----------
    streams
        Embedded streams.
    speakers
        The number of speakers if known; otherwise it is found, between ``min_speakers`` and ``max_speakers``.

    Returns
    -------
    Streams
        With ``label`` (numbered by first appearance; -1 for streams of nobody) and ``confidence``.

    Raises
    ------
    InputError
        Reason ``bad-speakers``.
    """
    return cluster_and_count(streams, speakers=speakers, min_speakers=min_speakers, max_speakers=max_speakers)[0]


def cluster_and_count(
    streams: Streams, *, speakers: int | None = None, min_speakers: int = 0, max_speakers: int = 8
) -> tuple[Streams, int]:
    """`cluster`, and how many phantoms (voices heard too briefly to be people) were folded into the others."""
    least, most = speaker_bounds(speakers, min_speakers, max_speakers)
    usable = known(streams) & (streams.weight_s > 0)
    if not usable.any():
        nobody = np.full(len(streams), -1, np.int32)
        return replace(streams, label=nobody, confidence=np.zeros(len(streams), np.float32)), 0
    least = max(least, min(most, simultaneous(streams)))
    if plenty(streams):
        centroids, others = _by_pieces(streams, least=least, most=most)
        if len(centroids) >= least:
            label, confidence = assign(streams, centroids)
            return replace(streams, label=by_appearance(streams, label), confidence=confidence), others
    reliable_s = np.clip(RELIABLE_SHARE * speech_seconds(streams).sum(), *RELIABLE_S)
    firm = usable & (streams.weight_s >= min(reliable_s, np.max(streams.weight_s[usable])))
    chosen = np.flatnonzero(firm)
    group = _grouped(streams, chosen, least=least, most=most)
    centroids = _centroids(streams, chosen, group, least)
    if len(centroids) < least:
        # Somebody is never alone for long: only what was embedded from overlapped speech can stand for them.
        chosen = np.flatnonzero(usable)
        group = _grouped(streams, chosen, least=least, most=most)
        centroids = _centroids(streams, chosen, group, least)
    label, confidence = assign(streams, centroids)
    phantoms = int(group.max()) + 1 - len(centroids)
    return replace(streams, label=by_appearance(streams, label), confidence=confidence), phantoms


def speaker_bounds(speakers: int | None, min_speakers: int, max_speakers: int) -> tuple[int, int]:
    """(least, most) speakers to look for where there is speech at all.

    Raises
    ------
    InputError
        Reason ``bad-speakers`` for counts that contradict each other.
    """
    least, most = (min_speakers, max_speakers) if speakers is None else (speakers, speakers)
    if not 0 <= least <= most or most < 1:
        raise InputError(
            f"no number of speakers lies between {least} and {most}",
            reason="bad-speakers",
            hint=f"raise the most, which is {most}"
            if least > most >= 1
            else "give 1 or more, or leave it out to have them counted",
        )
    return max(1, least), most


def assign(streams: Streams, centroids: Float32) -> tuple[NDArray[np.int32], Float32]:
    """The nearest speaker of every stream, a different one for streams that overlap, and how clear it is.

    Parameters
    ----------
    centroids
        (speakers, dim) unit vectors.

    Returns
    -------
    label
        (streams,) int32; -1 for streams left over when more of them overlap than there are speakers. Where two that
        overlap are nearest to one speaker, the nearer one has it.
    confidence
        (streams,) float32 in [0, 1]: the margin to the runner-up speaker (a margin of 0.4 or more is 1).
    """
    score = np.where(known(streams)[:, None], np.nan_to_num(streams.embedding) @ centroids.T, 0.0)
    label = np.full(len(streams), -1, np.int32)
    active = streams.activity > ACTIVE * 255
    bounds = np.flatnonzero(np.diff(streams.window, prepend=-1, append=-1))
    nearest = score.argmax(1).astype(np.int32)
    for first, last in pairwise(bounds):
        mine = nearest[first:last]
        together = _simultaneous(active[first:last])
        if not (together & (mine[:, None] == mine)).any():
            label[first:last] = mine
            continue
        free = score[first:last].copy()
        while free.size and free.max() > -np.inf:
            stream, speaker = np.unravel_index(np.argmax(free), free.shape)
            label[first + stream] = speaker
            free[stream] = -np.inf
            free[together[stream], speaker] = -np.inf
    own = np.take_along_axis(score, np.maximum(label, 0)[:, None], 1)[:, 0]
    other = score.copy()
    np.put_along_axis(other, np.maximum(label, 0)[:, None], -np.inf, 1)
    runner_up = other.max(1) if centroids.shape[0] > 1 else np.zeros(len(streams))
    return label, np.where(label < 0, 0, np.clip((own - runner_up) / 0.4, 0, 1)).astype(np.float32)


def by_appearance(streams: Streams, label: NDArray[np.int32]) -> NDArray[np.int32]:
    """Renumber labels 0, 1, … by the first active frame; -1 stays."""
    active = streams.activity > ACTIVE * 255
    onset = streams.window_start[streams.window] + np.where(active.any(1), active.argmax(1), streams.window_frames)
    names = np.unique(label[label >= 0])
    order = names[np.argsort([onset[label == name].min() for name in names], kind="stable")]
    rank = np.full(int(label.max(initial=0)) + 2, -1, np.int32)
    rank[order] = np.arange(len(order))
    return rank[label]


def speech_seconds(streams: Streams) -> NDArray[np.float64]:
    """(streams,) seconds of speech each stream stands for: its active frames, shared out among covering windows."""
    share = _frame_share(streams)
    starts = streams.window_start[streams.window]
    active = streams.activity > ACTIVE * 255
    return np.array([share[a : a + streams.window_frames] @ on for a, on in zip(starts, active, strict=True)])


def simultaneous(streams: Streams) -> int:
    """How many people are heard speaking at once, for half a second or more: there cannot be fewer speakers."""
    share = _frame_share(streams)
    counts = np.zeros((len(streams.window_start), streams.window_frames), np.int64)
    np.add.at(counts, streams.window, streams.activity > ACTIVE * 255)
    seconds = np.zeros(int(counts.max(initial=0)) + 1)
    for start, count in zip(streams.window_start, counts, strict=True):
        seconds += np.bincount(count, share[start : start + streams.window_frames], len(seconds))
    at_least = np.cumsum(seconds[::-1])[::-1]
    needed_s = max(SIMULTANEOUS_S, SIMULTANEOUS_SHARE * at_least[1:2].sum())
    return int(np.flatnonzero(at_least >= needed_s).max(initial=0))


def _frame_share(streams: Streams) -> NDArray[np.float64]:
    """(frames,) seconds of the recording that a frame of one window stands for, windows overlapping as they do."""
    covering = np.zeros(int(streams.window_start.max(initial=0)) + streams.window_frames)
    for start in streams.window_start:
        covering[start : start + streams.window_frames] += 1
    return FRAME_S / np.maximum(covering, 1)


def _by_pieces(streams: Streams, *, least: int, most: int) -> tuple[Float32, int]:
    """Unit centroids of the people, and how many voices say too little to be one; from pieces of clear speech.

    A piece that several windows hear has one embedding, and counts once.
    """
    pieces = pieces_of(streams)
    if not len(pieces.vectors):
        return np.empty((0, streams.embedding.shape[1]), np.float32), 0
    group, who = counted(pieces, least=least, most=most)
    total = np.zeros((int(group.max()) + 1, pieces.vectors.shape[1]))
    np.add.at(total, group, pieces.vectors * pieces.said_s[:, None])
    centroids = total[who] / np.maximum(np.linalg.norm(total[who], axis=1, keepdims=True), 1e-12)
    return np.asarray(centroids, np.float32), len(total) - len(who)


def pieces_of(streams: Streams) -> Pieces:
    """The pieces of clear speech, by first appearance."""
    speech_s = speech_seconds(streams)
    clear = np.flatnonzero(known(streams) & (streams.weight_s >= MIN_SOLO_S))
    vectors, piece = np.unique(streams.embedding[clear], axis=0, return_inverse=True)
    order = np.argsort(np.unique(piece, return_index=True)[1], kind="stable")
    piece = np.argsort(order)[piece.reshape(-1)]
    count = len(vectors)
    first, second, both_s = _together(streams, clear)
    active = streams.activity > ACTIVE * 255
    own_s = np.asarray(active[clear].sum(1) * FRAME_S, np.float64)
    always = both_s >= ALWAYS * np.maximum(own_s[first], own_s[second])
    track = tracks(streams)[clear]
    said_s, active_s, agreed_s = (
        np.asarray(np.bincount(piece, each_s, count), np.float64)
        for each_s in (speech_s[clear], own_s, own_s * one_voice(streams, active)[clear])
    )
    length_s = np.zeros(count)
    np.maximum.at(length_s, piece, streams.weight_s[clear])
    together = np.stack([piece[first], piece[second]])
    return Pieces(
        vectors=vectors[order],
        said_s=said_s,
        clear_s=said_s * agreed_s / np.maximum(active_s, 1e-9),
        length_s=length_s,
        active_s=active_s,
        apart=together[:, always],
        together=together,
        together_s=both_s,
        one_track=track[first] == track[second],
        stream=clear,
        of_stream=piece,
    )


def _blockwise(streams: Streams, chosen: NDArray[np.int64], *, least: int, most: int) -> NDArray[np.int32]:
    """Cluster ``chosen`` streams; a long recording block by block, and then the blocks' clusters."""
    if len(chosen) <= BLOCK:
        vectors, weights = streams.embedding[chosen], streams.weight_s[chosen]
        return agglomerate(vectors, weights, _apart(streams, chosen), threshold=THRESHOLD, most=most, least=least)
    group = np.empty(len(chosen), np.int32)
    count = 0
    for first in range(0, len(chosen), BLOCK):
        part = chosen[first : first + BLOCK]
        local = agglomerate(
            streams.embedding[part], streams.weight_s[part], _apart(streams, part), threshold=THRESHOLD, least=least
        )
        group[first : first + BLOCK] = local + count
        count += int(local.max()) + 1
    vectors, weights = _sums(streams, chosen, group)
    joined = agglomerate(vectors, weights, np.zeros((count, count), bool), threshold=THRESHOLD, most=most, least=least)
    return joined[group]


def _grouped(streams: Streams, chosen: NDArray[np.int64], *, least: int, most: int) -> NDArray[np.int32]:
    """Cluster ``chosen`` streams, and then join groups that only a slip of the segmentation keeps apart."""
    group = _blockwise(streams, chosen, least=least, most=most)
    first, second, both_s = _together(streams, chosen)
    own_s = (streams.activity[chosen] > ACTIVE * 255).sum(1) * FRAME_S
    while (count := int(group.max()) + 1) > least:
        voices, _ = _sums(streams, chosen, group)
        together_s = np.zeros((count, count))
        np.add.at(together_s, (group[first], group[second]), both_s)
        said_s = np.bincount(group, own_s)
        slips = together_s + together_s.T <= SLIP_SHARE * np.minimum.outer(said_s, said_s)
        alike = np.where(slips, voices @ voices.T, -1)
        np.fill_diagonal(alike, -1)
        if alike.max() < CERTAIN:
            break
        kept, gone = sorted(np.unravel_index(np.argmax(alike), alike.shape))
        group = np.unique(np.where(group == gone, kept, group), return_inverse=True)[1].astype(np.int32)
    return group


def _together(
    streams: Streams, chosen: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Pairs of ``chosen`` streams (positions in it) of one window, and the seconds they are active at once."""
    active = (streams.activity[chosen] > ACTIVE * 255).astype(np.float32)
    bounds = np.flatnonzero(np.diff(streams.window[chosen], prepend=-1, append=-1))
    pairs = [(a, b) for first, last in pairwise(bounds) for a in range(first, last) for b in range(a + 1, last)]
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    return first, second, np.array([active[a] @ active[b] * FRAME_S for a, b in pairs], np.float64)


def _apart(streams: Streams, chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
    apart = np.zeros((len(chosen), len(chosen)), bool)
    active = streams.activity[chosen] > ACTIVE * 255
    bounds = np.flatnonzero(np.diff(streams.window[chosen], prepend=-1, append=-1))
    for first, last in pairwise(bounds):
        vectors = streams.embedding[chosen[first:last]]
        apart[first:last, first:last] = _simultaneous(active[first:last]) | (vectors @ vectors.T < ALIKE)
    return apart


def _simultaneous(active: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(streams, streams) which streams of one window speak at the same time for longer than a handover takes."""
    together = active.astype(np.float32) @ active.T.astype(np.float32) * FRAME_S >= HANDOVER_S
    np.fill_diagonal(together, False)
    return np.asarray(together)


def _sums(streams: Streams, chosen: NDArray[np.int64], group: NDArray[np.int32]) -> tuple[Float32, NDArray[np.float32]]:
    """Unit centroid and weight of every group."""
    weights = streams.weight_s[chosen]
    count = int(group.max()) + 1
    total: Float32 = np.zeros((count, streams.embedding.shape[1]), np.float32)
    np.add.at(total, group, streams.embedding[chosen] * weights[:, None])
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(total / np.maximum(length, 1e-12), np.float32), np.bincount(group, weights, count).astype(
        np.float32
    )


def _centroids(streams: Streams, chosen: NDArray[np.int64], group: NDArray[np.int32], least: int) -> Float32:
    """Unit centroids of the groups that hold enough speech to be a person, at least ``least`` of them."""
    centroids, _ = _sums(streams, chosen, group)
    speech_s = np.asarray(np.bincount(group, speech_seconds(streams)[chosen]), np.float64)
    total_s = float(speech_s.sum())
    alike = centroids @ centroids.T
    np.fill_diagonal(alike, -1)
    share = np.where(alike.max(1) < UNLIKE, RARE_SHARE, SHORT_SHARE)
    enough = speech_s >= np.maximum(PHANTOM_SHARE * total_s, np.minimum(PHANTOM_S, share * total_s))
    enough |= np.argsort(np.argsort(-speech_s, kind="stable")) < least
    return np.asarray(centroids[enough], np.float32)
