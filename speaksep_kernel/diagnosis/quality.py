"""How well the overlaps can be separated, before anything is: a forecast with an honest margin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.finding import Facts, Finding
from speaksep_kernel.diagnosis.forecast import BAND, COEFFICIENTS, MOST_CLARITY_DB, MOST_SNR_DB, SPREAD_DB
from speaksep_kernel.diagnosis.pitch import HOP_S, PitchTrack
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.spans import mask_spans
from speaksep_kernel.diagnosis.thresholds import QUALITY_GOOD_DB, QUALITY_SURE
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.voices.streams import FRAME_S

Group = tuple[int, ...]
"""Speakers who talk at once."""

VOICED_LEAST = 10
"""Fewer voiced frames say nothing of a voice's pitch."""
UNKNOWN_SEMITONES = 5.0
"""Difference in pitch where it cannot be measured: that of two people drawn at random."""
MOST_SEMITONES = 12.0


@dataclass(frozen=True)
class Conditions:
    """What makes an overlap easy or hard.

    Attributes
    ----------
    more_than_two
        1 if three or more speak at once, else 0.
    snr_db
        Speech over noise, at most `MOST_SNR_DB`.
    clarity_db
        Early over late sound, C50, at most `MOST_CLARITY_DB`.
    spread_db
        Level of the loudest over the softest.
    semitones
        Least difference in pitch of any two: small for two voices of one sex.
    """

    more_than_two: float
    snr_db: float
    clarity_db: float
    spread_db: float
    semitones: float


class Quality(Diagnoser):
    """Expected SI-SDR improvement of every overlap, by who speaks in it, with a calibrated band."""

    info = PluginInfo(name="quality", version="1", summary="Expected separation quality", licence="Apache-2.0")
    needs_findings = True

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        self._weights = np.asarray(facts.weights, np.float32)
        self._track = PitchTrack(facts.rate_hz)
        self._pitch_hz: list[Float32] = []

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        self._pitch_hz.append(self._track.feed(block @ self._weights))

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        if context.facts.mixture == "apart":
            return []
        found = [
            _finding(group, mask, conditions)
            for (group, mask), conditions in zip(
                overlap_groups(context).items(), self.conditions(context).values(), strict=True
            )
        ]
        return sorted(found, key=lambda finding: float(finding.value or 0))

    def conditions(self, context: Context) -> dict[Group, Conditions]:
        """Conditions of every group of speakers who talk at once."""
        levels = {f.subject: float(f.value) for f in context.findings if f.code == "speaker-level" and f.value}
        snr_db = min(_measured(context, "snr", MOST_SNR_DB), MOST_SNR_DB)
        clarity_db = min(_measured(context, "clarity", MOST_CLARITY_DB), MOST_CLARITY_DB)
        pitch = self._pitches(context)
        return {
            group: Conditions(
                more_than_two=float(len(group) > 2),
                snr_db=max(snr_db, 0.0),
                clarity_db=clarity_db,
                spread_db=_spread([levels[key] for k in group if (key := f"speaker {k}") in levels]),
                semitones=_nearest([pitch[k] for k in group if k in pitch]),
            )
            for group in overlap_groups(context)
        }

    def _pitches(self, context: Context) -> dict[int, float]:
        """Median pitch of each speaker, in semitones, where nobody else speaks."""
        pitch_hz = np.concatenate([*self._pitch_hz, np.zeros(0, np.float32)])
        frames = np.minimum((np.arange(len(pitch_hz)) * HOP_S / FRAME_S).astype(int) + 1, max(context.frames - 1, 0))
        alone = (context.voices[frames] == 1) & np.isfinite(pitch_hz) if len(frames) else np.zeros(0, bool)
        found = {}
        for speaker in {turn.speaker for turn in context.turns}:
            heard = pitch_hz[alone & context.mask(speaker)[frames]] if len(frames) else pitch_hz
            if len(heard) >= VOICED_LEAST:
                found[speaker] = 12 * float(np.log2(np.median(heard)))
        return found


def overlap_groups(context: Context) -> dict[Group, NDArray[np.bool_]]:
    """(frames,) where exactly these speakers talk at once, for all who do; longest first."""
    speakers = sorted({turn.speaker for turn in context.turns})
    if not speakers:
        return {}
    masks = np.stack([context.mask(speaker) for speaker in speakers])
    columns = np.unique(masks[:, context.voices > 1], axis=1).T
    groups = {
        tuple(speaker for speaker, on in zip(speakers, column, strict=True) if on): np.asarray(
            (masks == column[:, None]).all(axis=0)
        )
        for column in columns
    }
    return dict(sorted(groups.items(), key=lambda item: -int(item[1].sum())))


def expected_gain_db(conditions: Conditions) -> float:
    """SI-SDR improvement to expect, mean of the speakers, in dB."""
    terms: Mapping[str, float] = vars(conditions) | {"one": 1.0}
    return sum(weight * terms[name] for name, weight in COEFFICIENTS.items())


def likelihood(gain_db: float, at_least_db: float) -> float:
    """Probability that an overlap with this expectation gains at least so much."""
    return float(scipy.stats.norm.sf((at_least_db - gain_db) / SPREAD_DB))


def _finding(group: Group, mask: NDArray[np.bool_], conditions: Conditions) -> Finding:
    gain_db = expected_gain_db(conditions)
    sure = likelihood(gain_db, QUALITY_GOOD_DB)
    low, high = gain_db + BAND[0], gain_db + BAND[1]
    why = (
        f"Four in five overlaps like these gain {low:.0f} to {high:.0f} dB; "
        f"{QUALITY_GOOD_DB:.0f} dB or more with {100 * sure:.0f} % probability."
    )
    names = " and ".join([", ".join(map(str, group[:-1])), str(group[-1])])
    subject, spans = f"speakers {names}", mask_spans(mask, FRAME_S)
    if sure < QUALITY_SURE:
        return Finding("expected-gain", round(gain_db, 1), "dB", "notice", why, spans, Advice.CHECK_TRACKS, subject)
    return Finding("expected-gain", round(gain_db, 1), "dB", "info", why, spans, Advice.NOTHING, subject)


def _measured(context: Context, code: str, otherwise: float) -> float:
    values = [f.value for f in context.findings if f.code == code and isinstance(f.value, int | float)]
    return float(values[0]) if values else otherwise


def _spread(levels_db: list[float]) -> float:
    return max(levels_db) - min(levels_db) if len(levels_db) > 1 else 0.0


def _nearest(semitones: list[float]) -> float:
    differences = [abs(one - other) for one, other in combinations(semitones, 2)]
    return min(min(differences), MOST_SEMITONES) if differences else UNKNOWN_SEMITONES
