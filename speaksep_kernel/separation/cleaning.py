"""What a cleaner is: noise, hum or reverberation taken out of a track, in time and at its level."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.plugins import PluginInfo

Float32 = NDArray[np.float32]


@runtime_checkable
class Cleaner(Protocol):
    """Cleans one piece of a track; what it takes away ends up in the residual."""

    info: PluginInfo

    def __init__(self, *, device: str = "cpu", **options: object) -> None: ...

    def clean(self, samples: Float32, rate_hz: int) -> Float32:
        """Clean (samples,) float32 mono audio; as many samples come back, not delayed.

        ``rate_hz`` is one of ``info.sample_rates_hz``, or any if that is empty.
        """
        ...
