"""The embedded separator: the shipped network, described here without loading it."""

from __future__ import annotations

import hashlib
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from speaksep_kernel.errors import InputError, PluginError, SpeakSepError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.separation.protocol import Float32, LocalTracks
from speaksep_kernel.voices.parallel import side_by_side
from speaksep_kernel.voices.streams import RATE_HZ

if TYPE_CHECKING:
    from torch import Tensor

    from speaksep_kernel.separation.network import SeparationNetwork

WEIGHTS = Path(__file__).parent / "weights" / "speaksep.safetensors"
WEIGHTS_SHA256 = "99ff14eb392b866a1ef596dc651b56d55fde90ad807ef1481ad1edc9250657d3"


class EmbeddedSeparator:
    """The network in the package: up to three simultaneous speakers, 16 kHz.

    Parameters
    ----------
    device
        "cpu" (deterministic, one window per core) or "cuda" (windows in batches, half precision).
    weights
        A ``speaksep.safetensors`` that `speaksep_kernel.training` wrote; the shipped one by default.

    Raises
    ------
    InputError
        Reason ``bad-weights``: what ``weights`` names cannot be loaded.
    PluginError
        If the shipped weights are missing or damaged.
    """

    info = PluginInfo(
        name="speaksep",
        version="1",
        summary="Embedded network: up to three simultaneous speakers at 16 kHz",
        licence="Apache-2.0",
        requires=("torch", "safetensors"),
        sample_rates_hz=(RATE_HZ,),
        max_speakers=3,
        devices=("cpu", "cuda"),
        options={
            "weights": {
                "type": "string",
                "default": "",
                "description": "weights of your own training, a speaksep.safetensors",
            }
        },
    )
    sha256 = WEIGHTS_SHA256

    def __init__(self, *, device: str = "cpu", weights: str | Path = "") -> None:
        if weights:
            self._path, self.sha256 = Path(weights), _sha256(Path(weights))
        else:
            self._path = WEIGHTS
        self._network = _network(self._path, self.sha256, device)
        self._device = device

    def separate(self, windows: Float32, rate_hz: int) -> list[LocalTracks]:
        """See `Separator.separate`."""
        if rate_hz != RATE_HZ:
            raise InputError(
                f"separator 'speaksep' works at {RATE_HZ} Hz, not {rate_hz}", reason="wrong-rate", hint="resample first"
            )
        if self._device == "cpu":
            return side_by_side(lambda window: _separate(self._network, window[None])[0], list(windows))
        return self._on_cuda(windows, len(windows))

    def _on_cuda(self, windows: Float32, batch: int) -> list[LocalTracks]:
        import torch

        results: list[LocalTracks] = []
        try:
            for first in range(0, len(windows), batch):
                with torch.inference_mode(), torch.autocast("cuda", dtype=torch.bfloat16):
                    results += _separate(self._network, windows[first : first + batch])
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            if batch > 1:
                warnings.warn(f"GPU memory is short: windows in batches of {batch // 2}", RuntimeWarning, stacklevel=2)
                return self._on_cuda(windows, batch // 2)
            warnings.warn("GPU memory is exhausted: separating on the CPU", RuntimeWarning, stacklevel=2)
            self._network, self._device = _network(self._path, self.sha256, "cpu"), "cpu"
            return self.separate(windows, RATE_HZ)
        return results


def _separate(network: SeparationNetwork, windows: Float32) -> list[LocalTracks]:
    import torch

    device = next(network.parameters()).device
    estimates, logits = network(torch.from_numpy(np.ascontiguousarray(windows)).to(device))
    return [
        LocalTracks(_array(tracks[:-1]), _array(torch.sigmoid(activity)))
        for tracks, activity in zip(estimates, logits, strict=True)
    ]


def _array(values: Tensor) -> Float32:
    return np.asarray(values.float().cpu().numpy(), dtype=np.float32)


def _sha256(weights: Path) -> str:
    try:
        return hashlib.sha256(weights.read_bytes()).hexdigest()
    except OSError as error:
        raise _unusable(weights, error) from error


@cache
def _network(weights: Path, sha256: str, device: str) -> SeparationNetwork:
    """The network, loaded once; other bytes in the same file are another network."""
    from safetensors import SafetensorError

    from speaksep_kernel.separation.network import load_network

    try:
        if _sha256(weights) != sha256:
            raise ValueError("their sha256 is not the expected one")
        return load_network(weights).to(device)
    except (OSError, KeyError, RuntimeError, TypeError, ValueError, SafetensorError) as error:
        raise _unusable(weights, error) from error


def _unusable(weights: Path, error: Exception) -> SpeakSepError:
    if weights != WEIGHTS:
        return InputError(
            f"cannot load the weights {weights}: {error}",
            reason="bad-weights",
            hint="name a speaksep.safetensors that speaksep_kernel.training wrote",
        )
    return PluginError(
        f"the embedded separator's weights {weights.name} cannot be loaded: {error}",
        reason="missing-weights",
        hint="install speaksep again",
    )
