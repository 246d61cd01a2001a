"""Whom the scoreboard compares: the embedded network, open-voicefilter-lite, and Conv-TasNet for its speed only."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from speaksep_kernel.separation.embedded import EmbeddedSeparator
from speaksep_kernel.separation.network import SOURCES
from speaksep_kernel.separation.protocol import Float32, LocalTracks
from speaksep_kernel.voices.parallel import side_by_side
from speaksep_kernel.voices.streams import RATE_HZ


class Contender(Protocol):
    """Separates a mixture, perhaps with a few seconds of each speaker to go by."""

    def separate(self, mixtures: Float32, enrolments: list[Float32]) -> list[LocalTracks]:
        """Separate (batch, samples) mixtures; ``enrolments``, one per speaker, hold for all of them."""


class Ours:
    """The embedded network; it needs no enrolment."""

    def __init__(self) -> None:
        self._separator = EmbeddedSeparator()

    def separate(self, mixtures: Float32, enrolments: list[Float32]) -> list[LocalTracks]:
        """See `Contender.separate`."""
        return self._separator.separate(mixtures, RATE_HZ)


class VoiceFilterLite:
    """open-voicefilter-lite: a streaming filter for one enrolled speaker, run once per speaker."""

    def __init__(self) -> None:
        from voicefilter_lite import StreamingVoiceFilter

        self._filter = StreamingVoiceFilter()

    def separate(self, mixtures: Float32, enrolments: list[Float32]) -> list[LocalTracks]:
        """See `Contender.separate`."""
        return [LocalTracks(np.stack([self._one(mixture, who) for who in enrolments])) for mixture in mixtures]

    def _one(self, mixture: Float32, enrolment: Float32) -> Float32:
        self._filter.set_enrollment(enrolment)
        hop = self._filter.hop_length
        steps = -(-len(mixture) // hop) + 8
        padded = np.pad(mixture, (0, steps * hop - len(mixture)))
        track = np.concatenate([self._filter.step(padded[step * hop : (step + 1) * hop]) for step in range(steps)])
        # Its delay is undone, in its favour: the lag at which the track resembles the mixture most.
        lags = [float(track[lag : lag + len(mixture)] @ mixture) for lag in range(8 * hop)]
        lag = int(np.argmax(lags))
        return np.asarray(track[lag : lag + len(mixture)], np.float32)


class ConvTasNet:
    """Conv-TasNet in the paper's size (Luo and Mesgarani, 2019) without weights: to be timed, not to be heard."""

    def __init__(self) -> None:
        self._network = _ConvTasNet().eval()

    def separate(self, mixtures: Float32, enrolments: list[Float32]) -> list[LocalTracks]:
        """See `Contender.separate`."""

        def one(mixture: NDArray[np.float32]) -> LocalTracks:
            return LocalTracks(np.asarray(self._network(torch.from_numpy(mixture)[None])[0].numpy()))

        return side_by_side(one, list(mixtures))


class _ConvTasNet(nn.Module):
    """N 512, L 2 ms, B = Sc = 128, H 512, P 3, X 8, R 3; every block hands on a residual and a skip."""

    def __init__(self) -> None:
        super().__init__()
        filters, window, width, hidden = 512, 32, 128, 512
        self.encoder = nn.Conv1d(1, filters, window, window // 2, bias=False)
        self.into = nn.Sequential(nn.GroupNorm(1, filters), nn.Conv1d(filters, width, 1))
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(width, hidden, 1),
                nn.PReLU(),
                nn.GroupNorm(1, hidden),
                nn.Conv1d(hidden, hidden, 3, dilation=2**layer, padding=2**layer, groups=hidden),
                nn.PReLU(),
                nn.GroupNorm(1, hidden),
                nn.Conv1d(hidden, 2 * width, 1),
            )
            for _ in range(3)
            for layer in range(8)
        )
        self.mask = nn.Sequential(nn.PReLU(), nn.Conv1d(width, SOURCES * filters, 1), nn.Sigmoid())
        self.decoder = nn.ConvTranspose1d(filters, 1, window, window // 2, bias=False)

    def forward(self, mixture: Tensor) -> Tensor:
        """(batch, samples) to (batch, SOURCES, samples)."""
        coded = torch.relu(self.encoder(mixture[:, None]))
        x = self.into(coded)
        skips = torch.zeros_like(x)
        for block in self.blocks:
            residual, skip = block(x).chunk(2, 1)
            x, skips = x + residual, skips + skip
        masks = self.mask(skips).unflatten(1, (SOURCES, -1))
        tracks: Tensor = self.decoder((masks * coded[:, None]).flatten(0, 1))
        return tracks.view(len(mixture), SOURCES, -1)


OURS, VOICEFILTER, CONV_TASNET = "speaksep", "open-voicefilter-lite", "Conv-TasNet"
CONTENDERS: dict[str, type[Contender]] = {OURS: Ours, VOICEFILTER: VoiceFilterLite, CONV_TASNET: ConvTasNet}
"""By name; Conv-TasNet is only timed."""


def available() -> tuple[str, ...]:
    """Names of the contenders that are installed."""
    return tuple(name for name in CONTENDERS if name != VOICEFILTER or find_spec("voicefilter_lite"))
