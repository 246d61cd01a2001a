"""What there is to say of two separations of one recording, once they need not be blind any more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from speaksep_dashboards.compare.matching import Pair, differences, matched
from speaksep_kernel.recording import Recording
from speaksep_kernel.results.values import Separation

MOST_DIFFERENCES = 20


def compared(a: Separation, b: Separation, truth: Sequence[Recording] = ()) -> dict[str, Any]:
    """Everything about two separations, with their sound, as JSON-ready values; it reads all tracks once.

    Parameters
    ----------
    a, b
        Of one recording.
    truth
        Each speaker alone, if that is known.

    Returns
    -------
    ``takes`` ``{"a", "b"}``, each as `described`; ``pairs`` of labels that are the same person, None where one side has
    nobody; ``scores``, see `speaksep_dashboards.compare.scores.scores`; and `turns_told`.
    """
    from speaksep_dashboards.compare.scores import scores  # seconds to load

    pairs = matched(a.turns, b.turns)
    return {
        "takes": {"a": described(a), "b": described(b)},
        "pairs": labels(pairs),
        "scores": scores(a, b, pairs, truth),
        **turns_told(a, b, pairs),
    }


def described(separation: Separation) -> dict[str, Any]:
    """A take in words: how it was made, and whom it found."""
    manifest = separation.manifest
    return {
        "separator": manifest.model.separator,
        "version": manifest.model.version,
        "used": manifest.model.used,
        "quality": manifest.parameters.get("quality"),
        "cleaning": [step.name for step in manifest.cleaning.steps] if manifest.cleaning else [],
        "corrections": manifest.edits.position if manifest.edits else 0,
        "speakers": [
            {"label": track.label, "name": track.name or f"Speaker {track.speaker}", "seconds": track.seconds}
            for track in separation.tracks
        ],
        "seconds": round(sum(manifest.timings.values()), 1) or None,
    }


def labels(pairs: Sequence[Pair]) -> list[list[str | None]]:
    """Pairs of numbers as pairs of labels."""
    return [[None if number is None else f"speaker_{number}" for number in pair] for pair in pairs]


def turns_told(a: Separation, b: Separation, pairs: Sequence[Pair]) -> dict[str, Any]:
    """Who speaks when by both, and where they disagree.

    Returns
    -------
    ``turns`` ``{"a", "b"}``: ``[start_s, end_s, speaker]`` each; ``spoken_s``, in which anybody speaks by either, and
    ``differ_s`` of that; ``differences``: the longest, by start, ``[start_s, end_s, a, b]`` with numbers of A's
    speakers, and negative ones for speakers that only B has.
    """
    spoken_s, found = differences(a.turns, b.turns, pairs)
    longest = sorted(found, key=lambda each: -each.seconds)[:MOST_DIFFERENCES]
    return {
        "turns": {side: [[t.start_s, t.end_s, t.speaker] for t in each.turns] for side, each in (("a", a), ("b", b))},
        "spoken_s": round(spoken_s, 2),
        "differ_s": round(sum(each.seconds for each in found), 2),
        "differences": [
            [each.start_s, each.end_s, each.a, each.b] for each in sorted(longest, key=lambda each: each.start_s)
        ],
    }
