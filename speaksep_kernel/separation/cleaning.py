"""What a cleaner is: hum, noise or damage taken out of the mixture, in time and at its level."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.plugins import PluginInfo

Float32 = NDArray[np.float32]


@runtime_checkable
class Cleaner(Protocol):
    """Cleans one piece of a recording; what it takes away ends up in the residual.

    A plugin of group ``speaksep.cleaners``. The platform cuts the recording into pieces with three seconds of sound on
    either side, cleans several of them at a time, and joins them without a seam. So `clean` may be called from several
    threads, and what it returns may depend on the piece alone.
    """

    info: PluginInfo

    def __init__(self, **options: object) -> None: ...

    def clean(self, samples: Float32, rate_hz: int) -> Float32:
        """Clean (samples,) float32 mono audio; as many samples come back, not delayed.

        ``rate_hz`` is one of ``info.sample_rates_hz``, or any if that is empty.
        """
        ...


@runtime_checkable
class ChannelCleaner(Cleaner, Protocol):
    """Repairs what the recorder did to each channel, before the channels are mixed; one instance serves one channel.

    It hears the whole channel before it cleans the first piece.
    """

    def listen(self, samples: Float32, rate_hz: int) -> None:
        """Take the next (samples,) of the channel."""
        ...

    def learned(self) -> dict[str, float]:
        """What it goes by, once all was heard; kept in the manifest."""
        ...
