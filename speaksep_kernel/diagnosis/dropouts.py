"""Dropouts: stretches of constant samples in the middle of sound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.report import Facts, Finding, Severity, Span
from speaksep_kernel.diagnosis.spans import mask_runs
from speaksep_kernel.diagnosis.thresholds import (
    DROPOUT_EDGE_DB,
    DROPOUT_MAX_S,
    DROPOUT_MIN_S,
    DROPOUT_WARNING_S,
)
from speaksep_kernel.plugins import PluginInfo

STILL = 0.25 / 32768
"""Change from sample to sample that is none: a loss is exactly still in whole numbers, nearly so after a codec."""
LEAST_EDGE = 10 ** (-75.0 / 10)
"""Power below which the last bits come and go by themselves."""
EDGE_S = 0.01


class Dropouts(Diagnoser):
    """Seconds in which the samples stand still between two moments of sound: lost packets, a bad cable, a full buffer.

    The sound right before and after must be within 30 dB of the recording's loud parts, so that a gate closing in a
    pause, a muted microphone or the silence around a recording is not taken for a loss.
    """

    info = PluginInfo(name="dropouts", version="1", summary="Lost samples and where", licence="Apache-2.0")

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        self._rate_hz = facts.rate_hz
        self._least = max(2, round(DROPOUT_MIN_S * facts.rate_hz))
        self._edge = max(1, round(EDGE_S * facts.rate_hz))
        self._rest: Float32 = np.zeros((0, facts.channels), np.float32)
        self._at = 0
        self._found: list[tuple[int, int, float]] = []  # first and last sample, weaker edge's power
        self._loud: list[float] = []

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        joined = np.concatenate([self._rest, block])
        moving = (np.abs(np.diff(joined, axis=0)) > STILL).any(axis=1)
        runs = mask_runs(np.logical_not(moving))
        runs = runs[runs[:, 1] - runs[:, 0] >= self._least]
        power = np.square(joined).mean(axis=1)
        self._loud.append(float(np.square(block, dtype=np.float32).mean()))
        keep_from = len(joined) - 2 * self._edge - self._least
        for first, last in runs.tolist():
            # A run is judged once, when the sound after it is known.
            if last + self._edge >= len(joined):
                keep_from = min(keep_from, first - self._edge)
                break
            if first < self._edge or (self._found and self._at + first <= self._found[-1][1]):
                continue
            edges = power[first - self._edge : first].mean(), power[last + 1 : last + 1 + self._edge].mean()
            self._found.append((self._at + first, self._at + last, float(min(edges))))
        keep_from = max(0, keep_from, len(joined) - self._edge - round(DROPOUT_MAX_S * self._rate_hz))
        self._rest = joined[keep_from:].copy()
        self._at += keep_from

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        loud = np.percentile(self._loud, 90) if self._loud else 0.0
        least = max(LEAST_EDGE, loud * 10 ** (-DROPOUT_EDGE_DB / 10))
        lost: NDArray[np.float64] = np.array(
            [
                (first / self._rate_hz, last / self._rate_hz)
                for first, last, edge in self._found
                if edge > least and last - first <= DROPOUT_MAX_S * self._rate_hz
            ]
        ).reshape(-1, 2)
        seconds = round(float((lost[:, 1] - lost[:, 0]).sum()), 3)
        if not len(lost):
            return [Finding("dropouts", 0.0, "s", "info", "No sound is cut out.")]
        spans: tuple[Span, ...] = tuple((round(a, 3), round(b, 3)) for a, b in lost.tolist())
        why = f"Sound is missing in {len(spans)} place{'s' * (len(spans) > 1)}, {seconds:.2g} s in all."
        severity: Severity = "warning" if seconds >= DROPOUT_WARNING_S else "notice"
        return [Finding("dropouts", seconds, "s", severity, why, spans, Advice.CHECK_SOURCE)]
