"""The embedded separator: the shipped network, described here without loading it."""

from __future__ import annotations

from speaksep_kernel.errors import PluginError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.separation.protocol import Float32, LocalTracks


class EmbeddedSeparator:
    """The network in the package."""

    info = PluginInfo(
        name="speaksep",
        version="1",
        summary="Embedded network: up to three simultaneous speakers at 16 kHz",
        licence="Apache-2.0",
        sample_rates_hz=(16000,),
        max_speakers=3,
        devices=("cpu", "cuda"),
    )

    def __init__(self, *, device: str = "cpu", **options: object) -> None:
        raise PluginError(
            "the embedded separator has no weights",
            reason="missing-weights",
            hint="name another one with --separator; speaksep plugins list shows all",
        )

    def separate(self, windows: Float32, rate_hz: int) -> list[LocalTracks]:
        """See `Separator.separate`."""
        raise NotImplementedError
