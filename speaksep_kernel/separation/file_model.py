"""Separator around a TorchScript or ONNX file: any network of shape (batch, samples) -> (batch, speakers, samples)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError, PluginError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.separation.protocol import LocalTracks

Float32 = NDArray[np.float32]
Network = Callable[[Float32], Float32]

SILENCE = 1e-5
"""Windows that never exceed this (-100 dBFS) are not shown to the network: many divide by their input's level."""

LEVEL = 0.05
"""RMS that networks see, about what public speech corpora have."""


class FileSeparator:
    """Somebody's exported network.

    The file's own ideas about rate and level do not matter: windows are resampled to ``rate_hz``, brought to one level
    before the network, and each track is scaled afterwards so that together they explain the window best (least
    squares), as networks trained on SI-SDR return tracks at any level.

    Parameters
    ----------
    path
        ``.onnx``, or a TorchScript archive with any other suffix. TorchScript is a program: load only files you trust.
    rate_hz
        Sample rate the network was trained at.
    device
        ``"cpu"`` or ``"cuda"``.

    Raises
    ------
    InputError
        Reasons ``model-not-given``, ``model-not-found``, ``bad-model`` or ``missing-package``.
    """

    info = PluginInfo(
        name="file",
        version="1.0",
        summary="Any TorchScript or ONNX network of shape (batch, samples) -> (batch, speakers, samples)",
        licence="that of the file",
        devices=("cpu", "cuda"),
        options={
            "path": {"type": "string", "description": "the .onnx or TorchScript file"},
            "rate_hz": {"type": "integer", "default": 16000, "description": "rate the network was trained at"},
        },
    )

    def __init__(self, *, device: str = "cpu", path: str | Path = "", rate_hz: int = 16000) -> None:
        if not path:
            raise InputError("separator 'file' got no file", reason="model-not-given", hint="give its option path=…")
        self._path, self._rate_hz = Path(path), int(rate_hz)
        if not self._path.is_file():
            raise InputError(f"no model file {str(path)!r}", reason="model-not-found", hint="check the option path=…")
        load = _onnx if self._path.suffix == ".onnx" else _torchscript
        self._network = load(self._path, device)

    def separate(self, windows: Float32, rate_hz: int) -> list[LocalTracks]:
        """Separate (batch, samples) windows, see `Separator.separate`.

        Raises
        ------
        PluginError
            Reason ``bad-model-output``: the network failed, or returned another shape or something not finite.
        """
        return [LocalTracks(self._one(window, rate_hz)) for window in windows]

    def _one(self, window: Float32, rate_hz: int) -> Float32:
        silent = float(np.abs(window).max(initial=0.0)) < SILENCE
        # Silence still passes a probe through the network: the number of tracks must not depend on the content.
        heard = np.full_like(window, LEVEL) if silent else window
        heard = soxr.resample(heard, rate_hz, self._rate_hz)
        rms = float(np.sqrt(np.mean(heard**2)))
        tracks = self._run((heard * np.float32(LEVEL / rms)).astype(np.float32))
        tracks = np.stack([_fit(soxr.resample(track, self._rate_hz, rate_hz), len(window)) for track in tracks])
        if silent:
            return np.zeros_like(tracks)
        gains = np.linalg.lstsq(tracks.T.astype(np.float64), window.astype(np.float64), rcond=1e-6)[0]
        result: Float32 = (tracks * gains[:, None]).astype(np.float32)
        return result

    def _run(self, samples: Float32) -> Float32:
        try:
            out = np.asarray(self._network(samples[None]), dtype=np.float32)
        except Exception as cause:
            raise self._bad(f"failed: {cause}") from cause
        if out.ndim == 3 and out.shape[1] == len(samples) != out.shape[2]:
            out = out.swapaxes(1, 2)  # SpeechBrain's order: (batch, samples, speakers)
        # Networks with a stride may drop or add part of a frame at the end; more than 5 % is another shape.
        if out.ndim != 3 or len(out) != 1 or abs(out.shape[2] - len(samples)) > max(64, len(samples) // 20):
            raise self._bad(f"returned shape {out.shape} for input of shape {(1, len(samples))}")
        if not np.isfinite(out).all():
            raise self._bad("returned values that are not finite")
        return np.stack([_fit(track, len(samples)) for track in out[0]])

    def _bad(self, what: str) -> PluginError:
        return PluginError(
            f"model {self._path.name!r} {what}",
            reason="bad-model-output",
            hint="it must map float32 (batch, samples) to (batch, speakers, samples), for any number of samples",
        )


def _fit(track: Float32, samples: int) -> Float32:
    return np.pad(track[:samples], (0, max(0, samples - len(track))))


def _torchscript(path: Path, device: str) -> Network:
    import warnings

    import torch

    try:
        with warnings.catch_warnings():
            # torch calls TorchScript deprecated; its archives will be around for years.
            warnings.simplefilter("ignore", DeprecationWarning)
            module = torch.jit.load(str(path), map_location=device).eval()  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as cause:
        raise _unreadable(path, cause) from cause

    def network(batch: Float32) -> Float32:
        with torch.inference_mode():
            out: Float32 = module(torch.from_numpy(batch).to(device)).float().cpu().numpy()
        return out

    return network


def _onnx(path: Path, device: str) -> Network:
    try:
        import onnxruntime
    except ImportError as cause:
        raise InputError(
            f"reading {path.name!r} needs onnxruntime", reason="missing-package", hint="pip install 'speaksep[onnx]'"
        ) from cause
    providers = ["CUDAExecutionProvider"] if device == "cuda" else []
    try:
        session = onnxruntime.InferenceSession(str(path), providers=[*providers, "CPUExecutionProvider"])
    except Exception as cause:  # onnxruntime raises a class of its own for every fault
        raise _unreadable(path, cause) from cause
    name = session.get_inputs()[0].name

    def network(batch: Float32) -> Float32:
        out: Float32 = session.run(None, {name: batch})[0]
        return out

    return network


def _unreadable(path: Path, cause: Exception) -> InputError:
    return InputError(
        f"{str(path)!r} is no model that can be loaded: {cause}",
        reason="bad-model",
        hint="export it with torch.jit.save or torch.onnx.export",
    )
