"""DNSMOS: how good listeners would find the recording, guessed by a network, a value per minute."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.finding import Facts, Finding
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.thresholds import DNSMOS_LOW
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.recording.resample import StreamResampler

RATE_HZ = 16000
WINDOW = 144160
"""Samples the network takes: 9.01 s."""
MINUTE_S = 60.0
PACKAGES = ("speechmos", "onnxruntime")
SIGNAL = (-0.08397278, 1.22083953, 0.0052439)
BACKGROUND = (-0.13166888, 1.60915514, -0.39604546)
OVERALL = (-0.06766283, 1.11546468, 0.04602535)
"""Polynomials that bring the network's answers to the scale of the listeners (DNS Challenge, non-personalised)."""


class Dnsmos(Diagnoser):
    """DNSMOS P.835 of the loudest nine seconds of every minute: signal, background and overall, 1 to 5.

    Reddy, Gopal, Cutler: DNSMOS P.835, ICASSP 2022. The network lies in the package speechmos; that itself is not
    imported, for the sake of what it would import.
    """

    info = PluginInfo(name="dnsmos", version="1", summary="DNSMOS P.835 per minute", licence="Apache-2.0")

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        self._missing = [name for name in PACKAGES if find_spec(name) is None]
        self._weights = np.asarray(facts.weights, np.float32)
        self._left = round(facts.seconds * facts.rate_hz)
        self._resampler = StreamResampler(facts.rate_hz, RATE_HZ, 1, self._left)
        self._window: Float32 = np.zeros(WINDOW, np.float32)
        self._filled = 0
        self._at_s = 0.0
        self._loudest: Float32 | None = None
        self._minutes: list[tuple[float, NDArray[np.float64]]] = []

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        if not self._missing:
            self._left -= len(block)
            self._take(self._resampler.push((block @ self._weights)[:, None], last=self._left <= 0)[:, 0])

    def _take(self, signal: Float32) -> None:
        while len(signal):
            part = signal[: WINDOW - self._filled]
            self._window[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            signal = signal[len(part) :]
            if self._filled == WINDOW:
                self._keep_louder()

    def _keep_louder(self) -> None:
        if self._loudest is None or self._window @ self._window > self._loudest @ self._loudest:
            self._loudest = self._window.copy()
        self._filled = 0
        before_s, self._at_s = self._at_s, self._at_s + WINDOW / RATE_HZ
        if self._at_s // MINUTE_S > before_s // MINUTE_S:
            self._rate(before_s // MINUTE_S * MINUTE_S)

    def _rate(self, start_s: float) -> None:
        if self._loudest is not None and self._loudest.any():
            self._minutes.append((start_s, _mos(self._loudest)))
        self._loudest = None

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        if self._missing:
            why = f"Not measured: {' and '.join(self._missing)} must be installed for it."
            return [Finding("dnsmos", None, "MOS", "info", why)]
        rest = self._window[: self._filled]
        if self._loudest is None and not self._minutes and self._filled:
            self._loudest = np.resize(rest, WINDOW)  # a short recording is repeated, as the network's authors do
        self._rate(self._at_s // MINUTE_S * MINUTE_S)
        if not self._minutes or not context.turns:
            return [Finding("dnsmos", None, "MOS", "info", "Nobody speaks, so nobody would rate the speech.")]
        rated = np.stack([mos for _, mos in self._minutes])
        spans = tuple((start_s, min(start_s + MINUTE_S, context.facts.seconds)) for start_s, _ in self._minutes)
        signal, background, overall = np.round(np.median(rated, axis=0), 2).tolist()
        low = tuple(span for span, mos in zip(spans, rated, strict=True) if mos[2] < DNSMOS_LOW)
        parts = f"speech {signal:.1f}, background {background:.1f}"
        why = f"Listeners would rate the recording about {overall:.1f} of 5 ({parts})."
        found = [Finding("dnsmos", overall, "MOS", "notice" if overall < DNSMOS_LOW else "info", why, low)]
        if len(spans) > 1:
            found += [
                Finding("dnsmos-minute", round(float(mos[2]), 2), "MOS", "info", "Rating of this minute.", (span,))
                for span, mos in zip(spans, rated, strict=True)
            ]
        return found


def _mos(window: Float32) -> NDArray[np.float64]:
    """(3,) rating of speech, background and all of it."""
    raw = _network()(window)
    return np.array([np.polyval(fit, value) for fit, value in zip((SIGNAL, BACKGROUND, OVERALL), raw, strict=True)])


@cache
def _network() -> Callable[[Float32], NDArray[np.float64]]:
    import onnxruntime

    spec = find_spec("speechmos")
    folder = Path(str(spec and spec.origin)).parent
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the same bits on every machine
    options.enable_cpu_mem_arena = False  # it is asked once a minute: what it computes with is given back
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(folder / "dnsmos_models" / "sig_bak_ovr.onnx", options)

    def rate(window: Float32) -> NDArray[np.float64]:
        return np.asarray(session.run(None, {"input_1": np.clip(window, -1, 1)[None]})[0][0], np.float64)

    return rate
