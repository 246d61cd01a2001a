"""How loud each person is, and how unlike."""

from __future__ import annotations

import numpy as np

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.frames import FramePower
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.report import Facts, Finding
from speaksep_kernel.diagnosis.thresholds import IMBALANCE_NOTICE_DB, IMBALANCE_SOLO_S
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.voices.streams import FRAME_S


class Imbalance(Diagnoser):
    """Level of each person where nobody else speaks, and the difference between loudest and softest."""

    info = PluginInfo(
        name="imbalance", version="1", summary="Level of each speaker and their difference", licence="Apache-2.0"
    )

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        self._weights = np.asarray(facts.weights, np.float32)
        self._frames = FramePower(facts.rate_hz, FRAME_S)
        self._power: list[Float32] = []

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        self._power.append(self._frames.feed(block @ self._weights))

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        power = np.concatenate([*self._power, np.zeros(0, np.float32)])
        alone = context.voices[: len(power)] == 1
        level_dbfs: dict[int, float] = {}
        for speaker in sorted({turn.speaker for turn in context.turns}):
            heard = power[alone & context.mask(speaker)[: len(power)]]
            if len(heard) * FRAME_S >= IMBALANCE_SOLO_S and heard.any():
                level_dbfs[speaker] = round(10 * float(np.log10(heard.mean(dtype=np.float64))), 1)
        found = [
            Finding("speaker-level", level, "dBFS", "info", "Level where nobody else speaks.", subject=f"speaker {k}")
            for k, level in level_dbfs.items()
        ]
        if len(level_dbfs) > 1:
            found.insert(0, _difference(level_dbfs))
        return found


def _difference(level_dbfs: dict[int, float]) -> Finding:
    loudest, softest = max(level_dbfs, key=level_dbfs.__getitem__), min(level_dbfs, key=level_dbfs.__getitem__)
    difference_db = round(level_dbfs[loudest] - level_dbfs[softest], 1)
    subject = f"speakers {loudest} and {softest}"
    if difference_db >= IMBALANCE_NOTICE_DB:
        why = f"Speaker {softest} is {difference_db:.0f} dB softer than speaker {loudest}, who may show through."
        return Finding("level-imbalance", difference_db, "dB", "notice", why, (), Advice.CHECK_TRACKS, subject)
    return Finding("level-imbalance", difference_db, "dB", "info", "Everybody is about as loud.", subject=subject)
