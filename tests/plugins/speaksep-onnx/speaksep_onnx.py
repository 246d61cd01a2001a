"""An ONNX file of shape (batch, samples) -> (batch, speakers, samples) as a separator."""

from pathlib import Path

from speaksep_kernel.errors import InputError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.separation.around import NetworkSeparator


class OnnxNetwork(NetworkSeparator):
    """A network that is already exported."""

    info = PluginInfo(
        name="onnx-network",
        version="0.1.0",
        summary="An ONNX file, run by onnxruntime",
        licence="that of the file",
        requires=("onnxruntime",),
        options={
            "path": {"type": "string", "description": "the .onnx file"},
            "rate_hz": {"type": "integer", "default": 16000, "description": "rate it was trained at"},
        },
    )

    def __init__(self, *, device="cpu", path="", rate_hz=16000):
        import onnxruntime

        if not Path(path).is_file():
            raise InputError(f"no model file {path!r}", reason="model-not-found", hint="give its option path=FILE")
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        super().__init__(lambda heard: session.run(None, {name: heard})[0], rate_hz=rate_hz, called=Path(path).name)
