"""Separator around a TorchScript or ONNX file: any network of shape (batch, samples) -> (batch, speakers, samples)."""

from __future__ import annotations

from pathlib import Path

from speaksep_kernel.errors import InputError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.separation.around import Float32, Network, NetworkSeparator


class FileSeparator(NetworkSeparator):
    """Somebody's exported network, at its own rate and level (see `NetworkSeparator`).

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
        file = Path(path)
        if not file.is_file():
            raise InputError(f"no model file {str(path)!r}", reason="model-not-found", hint="check the option path=…")
        load = _onnx if file.suffix == ".onnx" else _torchscript
        super().__init__(load(file, device), rate_hz=int(rate_hz), called=f"model {file.name!r}")


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
