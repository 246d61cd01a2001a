"""SpeechBrain's SepFormer checkpoints as a separator."""

import sys
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from speaksep_kernel.errors import InputError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.separation.around import NetworkSeparator

PARTS = ("encoder", "masknet", "decoder")


class SepFormer(NetworkSeparator):
    """A folder as SpeechBrain publishes it: ``hyperparams.yaml`` and a ``.ckpt`` file for each of `PARTS`.

    ``hyperparams.yaml`` is a program in disguise (it names classes to make): use only folders you trust.
    """

    info = PluginInfo(
        name="sepformer",
        version="0.1.0",
        summary="SepFormer checkpoints of SpeechBrain (Subakan et al., 2021)",
        licence="Apache-2.0; the checkpoint has its own",
        requires=("torch", "speechbrain", "hyperpyyaml"),
        max_speakers=3,
        devices=("cpu", "cuda"),
        options={"path": {"type": "string", "description": "folder with hyperparams.yaml and the .ckpt files"}},
    )

    def __init__(self, *, device="cpu", path=""):
        import torch

        folder = Path(path)
        missing = [
            name for name in ("hyperparams.yaml", *(f"{p}.ckpt" for p in PARTS)) if not (folder / name).is_file()
        ]
        if not path or missing:
            what = f"no {', '.join(missing)} in {str(path)!r}" if path else "separator 'sepformer' got no checkpoint"
            raise InputError(what, reason="model-not-found", hint="give its option path=FOLDER")
        with _torchaudio_or_none():
            from hyperpyyaml import load_hyperpyyaml

            made = load_hyperpyyaml((folder / "hyperparams.yaml").read_text(encoding="utf-8"))
        encoder, masknet, decoder = (made["modules"][part] for part in PARTS)
        for part, module in zip(PARTS, (encoder, masknet, decoder), strict=True):
            state = torch.load(folder / f"{part}.ckpt", map_location="cpu", weights_only=True)
            module.load_state_dict(state)
            module.eval().to(device)

        def network(heard):
            with torch.inference_mode():
                mixture = torch.from_numpy(heard).to(device)
                coded = encoder(mixture)
                voices = [decoder(coded * mask) for mask in masknet(coded)]
                tracks = torch.stack(voices, 1)
                return torch.nn.functional.pad(tracks, (0, heard.shape[1] - tracks.shape[2])).cpu().numpy()

        super().__init__(network, rate_hz=int(made["sample_rate"]), called=f"SepFormer of {folder.name!r}")


@contextmanager
def _torchaudio_or_none():
    """SpeechBrain imports torchaudio to read files, which SpeakSep does: where none works, an empty module does."""
    try:
        import torchaudio  # noqa: F401
    except (ImportError, OSError):
        empty = ModuleType("torchaudio")
        empty.__spec__, empty.__version__ = ModuleSpec("torchaudio", None), "2.11.0"
        sys.modules["torchaudio"] = empty
        try:
            yield
        finally:
            del sys.modules["torchaudio"]
    else:
        yield
