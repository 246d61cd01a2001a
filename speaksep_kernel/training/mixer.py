"""Dynamic mixing on the training device: never the same mixture twice."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from speaksep_kernel.training.corpus import UTTERANCE_RMS, Corpus
from speaksep_kernel.voices.streams import RATE_HZ

SOURCES = 3
FRAME = 256
"""Samples per activity frame (the network's hop)."""


@dataclass(frozen=True)
class Settings:
    """How often a mixture gets what.

    Attributes
    ----------
    counts
        Probabilities of 0, 1, 2 and 3 speakers.
    taking_turns, noise, babble, room, band_limit, equaliser, clipping, companding
        Probabilities: pauses and turns instead of speech throughout; noise at all; noise that is babble;
        a simulated room; a telephone-like band; a coloured source; clipped peaks; G.711 companding.
    level_db, speed, snr_db
        Ranges: levels against each other (±), playing speed, signal-to-noise ratio.
    """

    counts: tuple[float, ...] = (0.03, 0.12, 0.55, 0.30)
    taking_turns: float = 0.5
    noise: float = 0.45
    babble: float = 0.25
    room: float = 0.3
    band_limit: float = 0.15
    equaliser: float = 0.25
    clipping: float = 0.05
    companding: float = 0.04
    level_db: float = 5.0
    speed: tuple[float, float] = (0.88, 1.12)
    snr_db: tuple[float, float] = (0.0, 25.0)


@dataclass(frozen=True)
class Batch:
    """Mixtures and what is in them.

    Attributes
    ----------
    mixture
        (batch, samples): the sum of sources and residual.
    sources
        (batch, SOURCES, samples); the rows of absent speakers are zero.
    residual
        (batch, samples): noise and distortion.
    activity
        (batch, SOURCES, frames): 1 where the source speaks.
    """

    mixture: Tensor
    sources: Tensor
    residual: Tensor
    activity: Tensor

    def split(self, parts: int) -> list[Batch]:
        """So many batches, as equal as they can be."""
        fields = (self.mixture, self.sources, self.residual, self.activity)
        return [Batch(*part) for part in zip(*(torch.tensor_split(field, parts) for field in fields), strict=True)]


class Mixer:
    """Draws batches of mixtures from a corpus and a bank of rooms."""

    def __init__(
        self,
        corpus: Corpus,
        rooms: NDArray[np.float32] | None,
        *,
        device: torch.device,
        seed: int,
        settings: Settings = Settings(),
    ) -> None:
        self._samples = torch.from_numpy(corpus.samples).to(device)
        self._start = torch.from_numpy(corpus.start).to(device)
        self._length = torch.from_numpy(corpus.length).to(device)
        self._rooms = None if rooms is None else torch.from_numpy(rooms).to(device)
        self._device = device
        self._settings = settings
        # Two voices are enough to mix: then three never speak at once.
        self._counts = torch.tensor(settings.counts, dtype=torch.float32, device=device)
        self._counts[len(corpus.speakers) + 1 :] = 0
        self.generator = torch.Generator(device).manual_seed(seed)

    @torch.no_grad()
    def batch(self, size: int, seconds: float) -> Batch:
        """Draw ``size`` mixtures of ``seconds``."""
        samples = round(seconds * RATE_HZ / FRAME) * FRAME
        counts = torch.multinomial(self._counts, size, True, generator=self.generator)
        present = torch.arange(SOURCES, device=self._device) < counts[:, None]
        speech = self._speech(size, samples)
        sources = self._take_turns(speech) * present[..., None]
        level_db = (self._uniform(size, SOURCES) * 2 - 1) * self._settings.level_db
        sources = sources * (10 ** (level_db / 20))[..., None]
        noise = self._noise(speech, samples)
        sources, noise = self._colour(sources, noise)
        noise = noise * self._noise_gain(sources, noise)[:, None]
        mixture = self._distort(sources.sum(1) + noise)
        return Batch(mixture, sources, mixture - sources.sum(1), _activity(sources))

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, device=self._device, generator=self.generator)

    def _happens(self, probability: float, *shape: int) -> Tensor:
        return self._uniform(*shape) < probability

    def _speech(self, size: int, samples: int) -> Tensor:
        """(size, SOURCES, samples) of distinct speakers at random places and speeds, cubic interpolation."""
        low, high = self._settings.speed
        known = len(self._start)
        speaker = self._uniform(size, known).topk(min(SOURCES, known), 1).indices
        speaker = speaker[:, [slot % known for slot in range(SOURCES)]]
        length = self._length[speaker][..., None]
        offset = (self._uniform(size, SOURCES, 1) * length).long()
        speed = low + (high - low) * self._uniform(size, SOURCES, 1)
        position = torch.arange(samples, device=self._device) * speed
        whole = position.floor().int()
        x = position - whole
        first = self._start[speaker][..., None].int()
        offset, length = offset.int(), length.int()
        before, left, right, after = (
            self._samples[first + (offset + whole + step) % length].float() / 32768 for step in (-1, 0, 1, 2)
        )
        slope_left, slope_right = (right - before) / 2, (after - left) / 2
        square = x * x
        cube = square * x
        return (
            (2 * cube - 3 * square + 1) * left
            + (cube - 2 * square + x) * slope_left
            + (3 * square - 2 * cube) * right
            + (cube - square) * slope_right
        )

    def _take_turns(self, speech: Tensor) -> Tensor:
        """Switch sources on and off at random moments, with 20-ms fades."""
        size, _, samples = speech.shape
        moments = self._uniform(size, SOURCES, 4) * 1.6
        time = torch.linspace(0, 1, samples // 32, device=self._device)
        switches = (time[None, None, :, None] > moments[:, :, None, :]).sum(-1)
        on = ((switches + self._happens(0.6, size, SOURCES, 1).long()) % 2).float()
        on = functional.avg_pool1d(on, 11, 1, 5, count_include_pad=False)
        on = functional.interpolate(on, size=samples, mode="linear", align_corners=True)
        throughout = ~self._happens(self._settings.taking_turns, size, 1, 1)
        return speech * torch.where(throughout, torch.ones_like(on), on)

    def _noise(self, speech: Tensor, samples: int) -> Tensor:
        """(size, samples) of coloured noise, sometimes breathing, or babble of voices from the same batch."""
        size = len(speech)
        white = torch.randn(size, samples, device=self._device, generator=self.generator)
        spectrum = torch.fft.rfft(white)
        frequency = torch.linspace(0, 1, spectrum.shape[-1], device=self._device).clamp(min=0.005)
        noise = torch.fft.irfft(spectrum * frequency ** (-1.2 * self._uniform(size, 1)), samples)
        knots = self._uniform(size, 1, 12) * 2
        breath = functional.interpolate(knots, size=samples, mode="linear")[:, 0]
        noise = torch.where(self._happens(0.3, size, 1), noise * breath, noise)
        voices = speech.reshape(-1, samples)
        babble = torch.zeros_like(noise)
        for _ in range(6):
            order = torch.randperm(len(voices), device=self._device, generator=self.generator)[:size]
            shift = (self._uniform(size, 1) * samples).long()
            babble = babble + voices[order].gather(1, (torch.arange(samples, device=self._device) + shift) % samples)
        chosen = torch.where(self._happens(self._settings.babble, size, 1), babble, noise)
        return chosen / chosen.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-6) * UTTERANCE_RMS

    def _colour(self, sources: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Rooms, equalisers and band limits, in one pass through the frequency domain."""
        size, _, samples = sources.shape
        setting = self._settings
        every = torch.cat([sources, noise[:, None]], 1)
        padded = (
            2 ** math.ceil(math.log2(samples)) if self._rooms is None else _fast_length(samples + self._rooms.shape[-1])
        )
        spectrum = torch.fft.rfft(every, padded)
        bins = spectrum.shape[-1]
        knots = (
            (self._uniform(size, SOURCES + 1, 8) * 2 - 1) * 6 * self._happens(setting.equaliser, size, SOURCES + 1, 1)
        )
        curve_db = functional.interpolate(knots, size=bins, mode="linear", align_corners=True)
        response = 10 ** (curve_db / 20)
        cutoff = torch.where(
            self._happens(setting.band_limit, size, 1, 1), 0.42 + 0.58 * self._uniform(size, 1, 1), torch.tensor(2.0)
        )
        frequency = torch.linspace(0, 1, bins, device=self._device)
        response = response * torch.sigmoid((cutoff - frequency) * 150)
        spectrum = spectrum * response
        if self._rooms is not None:
            room = torch.randint(len(self._rooms), (size,), device=self._device, generator=self.generator)
            echo = torch.fft.rfft(self._rooms[room], padded)
            spectrum = torch.where(self._happens(setting.room, size, 1, 1), spectrum * echo, spectrum)
        every = torch.fft.irfft(spectrum, padded)[..., :samples]
        return every[:, :SOURCES], every[:, SOURCES]

    def _noise_gain(self, sources: Tensor, noise: Tensor) -> Tensor:
        low, high = self._settings.snr_db
        size = len(noise)
        snr_db = low + (high - low) * self._uniform(size)
        speech_rms = sources.sum(1).square().mean(-1).sqrt()
        speech_rms = torch.where(speech_rms > 1e-5, speech_rms, torch.full_like(speech_rms, UTTERANCE_RMS))
        noise_rms = noise.square().mean(-1).sqrt().clamp(min=1e-6)
        # A little noise everywhere else: recordings are never digitally silent between words.
        snr_db = torch.where(self._happens(self._settings.noise, size), snr_db, 45 + 25 * self._uniform(size))
        return speech_rms / noise_rms * 10 ** (-snr_db / 20)

    def _distort(self, mixture: Tensor) -> Tensor:
        size = len(mixture)
        peak = mixture.abs().amax(-1, keepdim=True).clamp(min=1e-6)
        limit = peak * (0.3 + 0.6 * self._uniform(size, 1))
        mixture = torch.where(self._happens(self._settings.clipping, size, 1), mixture.clamp(-limit, limit), mixture)
        scaled = mixture / peak
        companded = torch.sign(scaled) * torch.log1p(255 * scaled.abs()) / math.log(256)
        steps = torch.round(companded * 127) / 127
        expanded = torch.sign(steps) * torch.expm1(steps.abs() * math.log(256)) / 255 * peak
        return torch.where(self._happens(self._settings.companding, size, 1), expanded, mixture)


def _activity(sources: Tensor) -> Tensor:
    """1 in the frames within 35 dB of the source's own level while it speaks."""
    power = sources.square().unfold(-1, FRAME, FRAME).mean(-1)
    power = functional.avg_pool1d(power, 5, 1, 2, count_include_pad=False)
    level = power.amax(-1, keepdim=True) / 4
    return (power > level * 10**-3.5).float() * (level > 1e-8)


def _fast_length(samples: int) -> int:
    """The next length that is a multiple of 4 096: fast for the FFT."""
    return -(-samples // 4096) * 4096
