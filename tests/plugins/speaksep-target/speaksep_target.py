"""One enrolled voice out of a mixture, by open-voicefilter-lite; what is left is the other track."""

import numpy as np

from speaksep_kernel.errors import InputError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.separation.protocol import LocalTracks

RATE_HZ = 16000
LEVEL = 0.05
"""RMS that the network hears, whatever the window's."""
SILENCE = 1e-5
MOST_DELAY = 8
"""In hops: the network answers so much later at most."""


class TargetSpeaker:
    """Two tracks: the enrolled speaker, and everybody else."""

    info = PluginInfo(
        name="target",
        version="0.1.0",
        summary="One enrolled voice, by open-voicefilter-lite",
        licence="Apache-2.0",
        requires=("voicefilter_lite",),
        sample_rates_hz=(RATE_HZ,),
        max_speakers=2,
        options={"enrolment": {"type": "string", "description": "a recording of some seconds of that voice alone"}},
    )

    def __init__(self, *, device="cpu", enrolment=""):
        from voicefilter_lite import StreamingVoiceFilter

        if not enrolment:
            raise InputError("whose voice?", reason="no-enrolment", hint="give its option enrolment=FILE")
        with AnalysisCache(Recording.open(enrolment)) as cache:
            self.voice = cache.read16k()
        self.filter = StreamingVoiceFilter()

    def separate(self, windows, rate_hz):
        """See `speaksep_kernel.separation.protocol.Separator`."""
        return [LocalTracks(np.stack([target := self._heard(window), window - target])) for window in windows]

    def _heard(self, window):
        loudness = float(np.sqrt(np.mean(window.astype(np.float64) ** 2)))
        if loudness < SILENCE:
            return np.zeros_like(window)
        self.filter.set_enrollment(self.voice)  # and forgets the window before
        hop = self.filter.hop_length
        steps = -(-len(window) // hop) + MOST_DELAY
        padded = np.pad(window * np.float32(LEVEL / loudness), (0, steps * hop - len(window)))
        out = np.concatenate([self.filter.step(padded[i * hop : (i + 1) * hop]) for i in range(steps)])
        fits = [float(out[lag : lag + len(window)] @ window) for lag in range(MOST_DELAY * hop)]
        lag = int(np.argmax(fits))
        return (out[lag : lag + len(window)] * (loudness / LEVEL)).astype(np.float32)
