"""What every diagnoser must do (`speaksep_kernel.diagnosis.protocol.Diagnoser`)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from speaksep_kernel.diagnosis.protocol import Context
from speaksep_kernel.diagnosis.report import Facts, Finding
from speaksep_kernel.testing.conformance.check import Check, Float32, ensure, info_is_complete
from speaksep_kernel.testing.conversation import conversation
from speaksep_kernel.voices.turns import Turn

PIECES_S = (3.0, 0.7, 1.3)
"""Uneven lengths of blocks: a result must not depend on them."""


def _facts(rate_hz: int, channels: int, samples: int) -> Facts:
    return Facts(
        name="check.wav",
        sha256="0" * 64,
        seconds=samples / rate_hz,
        rate_hz=rate_hz,
        channels=channels,
        format="WAV",
        subtype="PCM_16",
        bit_depth=16,
        mixture="mono" if channels == 1 else "mean",
        weights=(1 / channels,) * channels,
        mixture_why="made for a check",
    )


def _diagnose(
    cls: type[Any],
    options: dict[str, Any],
    samples: Float32,
    rate_hz: int,
    turns: tuple[Turn, ...] = (),
    pieces_s: tuple[float, ...] = (10.0,),
) -> list[Finding]:
    """Feed (samples, channels) in pieces whose lengths go round ``pieces_s``."""
    facts = _facts(rate_hz, samples.shape[1], len(samples))
    plugin = cls(**options)
    plugin.start(facts)
    at = turn = 0
    while at < len(samples):
        size = round(pieces_s[turn % len(pieces_s)] * rate_hz)
        plugin.feed(samples[at : at + size], at / rate_hz)
        at, turn = at + size, turn + 1
    speakers = len({t.speaker for t in turns})
    found: list[Finding] = plugin.finish(Context(facts, turns, speakers, 1.0 if speakers else 0.0))
    return found


def _talk(rate_hz: int) -> tuple[Float32, tuple[Turn, ...]]:
    talk = conversation(8, 2, 0.2, rate_hz=rate_hz)
    return talk.audio[:, None], talk.turns


def findings_are_complete(cls: type[Any], **options: Any) -> None:
    """At every common rate, mono and stereo: findings with a reason, JSON-ready, spans inside the recording."""
    for rate_hz, channels in ((16000, 1), (8000, 1), (44100, 2)):
        audio, turns = _talk(rate_hz)
        seconds = len(audio) / rate_hz
        for finding in _diagnose(cls, options, np.repeat(audio, channels, axis=1), rate_hz, turns):
            ensure(isinstance(finding, Finding), f"returned {type(finding).__name__}, not Finding")
            ensure(bool(finding.code and finding.why), f"finding {finding.code!r} has no code or no reason")
            json.dumps(finding.to_dict(), allow_nan=False)
            inside = all(0 <= start <= end <= seconds + 0.05 for start, end in finding.spans)
            ensure(inside, f"spans of {finding.code!r} leave the recording: {finding.spans}")


def extremes_are_survived(cls: type[Any], **options: Any) -> None:
    """Digital silence, one sample, a full-scale square wave: findings, never an exception or a NaN."""
    square = np.sign(np.sin(np.arange(16000) * 0.05)).astype(np.float32)[:, None]
    for samples in (np.zeros((32000, 1), np.float32), np.ones((1, 1), np.float32), square):
        for finding in _diagnose(cls, options, samples, 16000):
            json.dumps(finding.to_dict(), allow_nan=False)


def blocks_do_not_matter(cls: type[Any], **options: Any) -> None:
    """The findings are the same however the recording is cut into blocks (numbers to 1 %)."""
    audio, turns = _talk(16000)
    whole = _diagnose(cls, options, audio, 16000, turns)
    parts = _diagnose(cls, options, audio, 16000, turns, PIECES_S)
    ensure([f.code for f in whole] == [f.code for f in parts], "other blocks, other findings")
    for one, two in zip(whole, parts, strict=True):
        if isinstance(one.value, int | float) and isinstance(two.value, int | float):
            same = bool(np.isclose(one.value, two.value, rtol=0.01, atol=1e-4))
        else:
            same = one.value == two.value
        ensure(same, f"{one.code!r} is {one.value} in one block, {two.value} in many")


def input_is_left_alone(cls: type[Any], **options: Any) -> None:
    """Blocks are not changed in place: others read them too."""
    audio, turns = _talk(16000)
    given = audio.copy()
    _diagnose(cls, options, audio, 16000, turns)
    ensure(audio.tobytes() == given.tobytes(), "a block was changed in place")


CHECKS: tuple[Check, ...] = (
    info_is_complete,
    findings_are_complete,
    extremes_are_survived,
    blocks_do_not_matter,
    input_is_left_alone,
)
