"""The embedded network: a dual-path BLSTM over time and frequency bands that masks a spectrogram.

Spectrum and bands follow band-split RNN (Luo and Yu, "Music source separation with band-split RNN", 2023), the two
paths follow dual-path RNN (Luo et al., 2020). Three sources and one residual, made to sum to the mixture.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

SOURCES = 3
FFT = 512
HOP = 256
# (bands, bins per band) of a 512-point spectrum at 16 kHz: 94 Hz wide to 1 kHz, 250 Hz to 4 kHz, 500 Hz above.
BANDS = ((11, 3), (12, 8), (8, 16))
FEATURES = 4
ACTIVITY_HIDDEN = 64


class SeparationNetwork(nn.Module):
    """Maps mixtures to sources, a residual and activity; any length, any level.

    Parameters
    ----------
    width, hidden, blocks, mask_hidden
        Features per band, LSTM cells per direction, dual-path blocks, hidden units of each band's mask.
    """

    def __init__(self, *, width: int = 96, hidden: int = 128, blocks: int = 4, mask_hidden: int = 128) -> None:
        super().__init__()
        self.size = {"width": width, "hidden": hidden, "blocks": blocks, "mask_hidden": mask_hidden}
        self.front = _BandFilters(width, mask_hidden)
        self.time = nn.ModuleList(_Path(width, hidden) for _ in range(blocks))
        self.band = nn.ModuleList(_Path(width, hidden) for _ in range(blocks))

    def forward(self, mixture: Tensor) -> tuple[Tensor, Tensor]:
        """Separate.

        Parameters
        ----------
        mixture
            (batch, samples) at 16 kHz.

        Returns
        -------
        estimates
            (batch, SOURCES + 1, samples), the residual last; they sum to the mixture.
        logits
            (batch, SOURCES, frames) of each source's activity, one frame a hop.
        """
        x, spectrum, scale = self.front.encode(mixture)
        batch, frames, bands, width = x.shape
        for time, band in zip(self.time, self.band, strict=True):
            x = time(x.transpose(1, 2).reshape(batch * bands, frames, width))
            x = x.view(batch, bands, frames, width).transpose(1, 2)
            x = band(x.reshape(batch * frames, bands, width)).view(batch, frames, bands, width)
        return self.front.decode(x, spectrum, scale, mixture.shape[-1])


class _Path(nn.Module):
    """One BLSTM with normalisation before and a residual connection around it."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.lstm = nn.LSTM(width, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(sequences, length, width) to the same."""
        result: Tensor = x + self.out(self.lstm(self.norm(x))[0])
        return result


class _BandFilters(nn.Module):
    """STFT to band features, and band features to complex masks and signals."""

    window: Tensor

    def __init__(self, width: int, mask_hidden: int) -> None:
        super().__init__()
        self.width = width
        self.register_buffer("window", torch.hann_window(FFT), persistent=False)
        outputs = 2 * 2 * (SOURCES + 1)  # real and imaginary part, value and gate
        self.split_weight, self.split_bias = nn.ParameterList(), nn.ParameterList()
        self.hidden_weight, self.hidden_bias = nn.ParameterList(), nn.ParameterList()
        self.mask_weight, self.mask_bias = nn.ParameterList(), nn.ParameterList()
        for bands, bins in BANDS:
            self.split_weight.append(_scaled(bands, bins * FEATURES, width))
            self.split_bias.append(nn.Parameter(torch.zeros(bands, 1, width)))
            self.hidden_weight.append(_scaled(bands, width, mask_hidden))
            self.hidden_bias.append(nn.Parameter(torch.zeros(bands, 1, mask_hidden)))
            self.mask_weight.append(_scaled(bands, mask_hidden, bins * outputs))
            self.mask_bias.append(nn.Parameter(torch.zeros(bands, 1, bins * outputs)))
        self.norm = nn.LayerNorm(width)
        self.activity = nn.Sequential(
            nn.Linear(2 * width, ACTIVITY_HIDDEN), nn.SiLU(), nn.Linear(ACTIVITY_HIDDEN, SOURCES)
        )

    def encode(self, mixture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features (batch, frames, bands, width), spectrum (batch, frames, bins) and level (batch, 1)."""
        scale = mixture.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-5)
        with torch.autocast(mixture.device.type, enabled=False):
            spectrum = torch.stft(mixture / scale, FFT, HOP, window=self.window, return_complex=True).transpose(1, 2)
            parts = torch.view_as_real(spectrum)
            magnitude = parts.square().sum(-1, keepdim=True).add(1e-6).sqrt()
            features = torch.cat([parts / magnitude.sqrt(), magnitude.log(), magnitude.sqrt()], -1)
        batch, frames = features.shape[:2]
        outputs, first = [], 0
        for (bands, bins), weight, bias in zip(BANDS, self.split_weight, self.split_bias, strict=True):
            part = features[:, :, first : first + bands * bins].reshape(batch, frames, bands, bins * FEATURES)
            part = part.permute(2, 0, 1, 3).reshape(bands, batch * frames, bins * FEATURES)
            outputs.append((torch.bmm(part, weight) + bias).view(bands, batch, frames, self.width))
            first += bands * bins
        return torch.cat(outputs).permute(1, 2, 0, 3), spectrum, scale

    def decode(self, x: Tensor, spectrum: Tensor, scale: Tensor, samples: int) -> tuple[Tensor, Tensor]:
        """Signals (batch, SOURCES + 1, samples) and activity logits (batch, SOURCES, frames)."""
        x = self.norm(x)
        logits = self.activity(torch.cat([x.mean(2), x.amax(2)], -1)).transpose(1, 2)
        batch, frames = x.shape[:2]
        masks, first = [], 0
        for index, (bands, bins) in enumerate(BANDS):
            part = x[:, :, first : first + bands].permute(2, 0, 1, 3).reshape(bands, batch * frames, self.width)
            hidden = torch.tanh(torch.bmm(part, self.hidden_weight[index]) + self.hidden_bias[index])
            value, gate = (torch.bmm(hidden, self.mask_weight[index]) + self.mask_bias[index]).chunk(2, -1)
            mask = (value * torch.sigmoid(gate)).view(bands, batch, frames, bins, SOURCES + 1, 2)
            masks.append(mask.permute(1, 4, 2, 0, 3, 5).reshape(batch, SOURCES + 1, frames, bands * bins, 2))
            first += bands
        with torch.autocast(x.device.type, enabled=False):
            masked = torch.view_as_complex(torch.cat(masks, 3).float().contiguous())
            # The masks sum to one, so the outputs sum to the mixture (Wisdom et al., "Differentiable consistency
            # constraints for improved deep speech enhancement", 2019).
            masked = masked + (1 - masked.sum(1, keepdim=True)) / (SOURCES + 1)
            outputs = (masked * spectrum[:, None]).flatten(0, 1).transpose(1, 2)
            signal = torch.istft(outputs, FFT, HOP, window=self.window, length=samples)
            return signal.view(batch, SOURCES + 1, samples) * scale[:, None], logits


def _scaled(bands: int, inputs: int, outputs: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(bands, inputs, outputs) / math.sqrt(inputs))


def save_network(network: SeparationNetwork, path: Path) -> None:
    """Write weights as half-precision safetensors, the network's size in the header."""
    from safetensors.torch import save_file

    tensors = {name: value.detach().half().cpu().contiguous() for name, value in network.state_dict().items()}
    save_file(tensors, path, metadata={name: str(value) for name, value in network.size.items()})


def load_network(path: Path) -> SeparationNetwork:
    """Read what `save_network` wrote, ready to separate in single precision."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        metadata: dict[str, Any] = file.metadata()
        network = SeparationNetwork(**{name: int(value) for name, value in metadata.items() if name in _SIZE_NAMES})
        network.load_state_dict({name: file.get_tensor(name).float() for name in file.keys()})  # noqa: SIM118
    return network.eval()


_SIZE_NAMES = frozenset({"width", "hidden", "blocks", "mask_hidden"})
